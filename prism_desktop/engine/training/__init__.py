"""Training runs: data, trainer, checkpoints, the child process and the run folder."""
