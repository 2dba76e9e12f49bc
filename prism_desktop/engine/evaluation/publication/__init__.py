"""What a paper takes out of a study: answers without names, models for R, a methods paragraph."""
