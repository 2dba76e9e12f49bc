"""One module per schema version, the number first; never edited once released."""
