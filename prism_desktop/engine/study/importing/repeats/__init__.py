"""Which answers are copies, and which are second judgments."""
