"""What is learned per labeler and shared between labelers."""
