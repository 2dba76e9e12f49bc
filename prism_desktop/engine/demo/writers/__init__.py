"""Simulated writers of replies, and simulated judges who read them. Nobody real."""
