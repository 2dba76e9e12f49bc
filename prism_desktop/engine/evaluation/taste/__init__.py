"""What of the pictures goes with each labeler's choices."""
