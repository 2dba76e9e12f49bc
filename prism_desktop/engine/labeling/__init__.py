"""Which trial a labeler sees next."""
