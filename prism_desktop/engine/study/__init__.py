"""The study store: one folder on disk with images, labelers, attributes and trials."""
