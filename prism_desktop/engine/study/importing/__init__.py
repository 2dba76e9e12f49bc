"""Readers of data that others made: image folders, tables of every kind, and our own exports."""
