"""Do the tests notice? Small random faults, each tried against the tests that reach it."""
