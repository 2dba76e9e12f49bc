"""Honest evaluation: splits, metrics, intervals, baselines."""
