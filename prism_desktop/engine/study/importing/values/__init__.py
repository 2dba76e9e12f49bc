"""What values mean: numbers, scales, outcomes, moments."""
