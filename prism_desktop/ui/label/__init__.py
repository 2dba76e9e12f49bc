"""The Label panel."""
