"""Child processes for what needs torch: a pool of
them, calls to them, and what went wrong in one."""
