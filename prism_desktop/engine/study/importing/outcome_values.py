"""Which image won: words, names of images, and codes, over all comparisons of an import."""
