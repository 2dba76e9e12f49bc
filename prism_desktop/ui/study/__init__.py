"""The Study panel."""
