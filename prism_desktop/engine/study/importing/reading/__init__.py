"""Reading files of every kind into tables."""
