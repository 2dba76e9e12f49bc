"""Many runs at once: comparisons, K-shot and learning curves, searches."""
