"""Personal models on a frozen backbone. Importing this package imports no torch."""
