"""Pretraining of the embedded language model; not installed."""
