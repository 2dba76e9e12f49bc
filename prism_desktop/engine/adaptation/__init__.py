"""A new labeler enters a trained run."""
