"""Importing files of texts: those that are judged, and those that people wrote."""
