"""A run is a folder: its files, events, status, results and checkpoints."""
