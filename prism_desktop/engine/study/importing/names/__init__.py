"""Whom and what names mean: images, labelers, attributes, programs' columns."""
