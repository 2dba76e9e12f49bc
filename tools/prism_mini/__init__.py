"""Pretraining of prism-mini, the embedded backbone."""
