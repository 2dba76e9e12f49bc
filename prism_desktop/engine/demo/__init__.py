"""The embedded demo study: drawn faces, and simulated labelers with planted tastes."""
