"""Frozen networks that see images."""
