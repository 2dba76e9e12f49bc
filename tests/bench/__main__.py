"""`make bench`: every timing that docs/results.md quotes,
one after the other, each in a process of its own."""

import argparse
import subprocess
import sys

# What each measures is in its own docstring.
BENCHES = (
    "trainer", "whole_train", "labeling", "heartbeat", "gallery", "adapt", "update", "starts",
    "images", "imports", "repeats", "many_faces", "many_labelers", "agreeing", "opening", "around",
    "choosing", "pairs", "led_trials", "map_speed", "command_line", "first_visits", "writer_speed",
    "predicting",
)  # fmt: skip


def main() -> int:
    """Run the benches named, or all; returns the worst exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*BENCHES, []], help="only these")
    worst = 0
    for name in parser.parse_args().names or BENCHES:
        print(f"\n== {name}", flush=True)
        worst = max(
            worst,
            subprocess.run([sys.executable, "-m", f"tests.bench.{name}"], check=False).returncode,
        )
    return worst


if __name__ == "__main__":
    sys.exit(main())
