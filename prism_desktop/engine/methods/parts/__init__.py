"""What methods are made of, declared without torch; see `part`."""
