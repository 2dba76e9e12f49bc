"""How much is enough: how many labelers, trials, repeats and faces a study needs."""
