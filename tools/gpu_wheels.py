"""Prints what `make gpu-wheels` fetches: the pins that a machine with torch for a GPU still lacks.

`python -m tools.gpu_wheels requirements.lock`: each package with its version and hashes, as the
lock has them.
"""

import argparse
from pathlib import Path
from typing import Final

from tools.lock_pins import pins

# Beside torch, torchvision, transformers, peft, pandas, pyarrow, SciPy and the like, which such
# machines have.
LACKED: Final = (
    "annotated-types", "ftfy", "open-clip-torch", "platformdirs", "pydantic", "pydantic-core",
    "sqlalchemy", "typing-inspection", "wcwidth",
)  # fmt: skip


def main() -> int:
    """Print the pins; 1 if the lock lacks one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("lock", type=Path)
    found = pins(parser.parse_args().lock.read_text(encoding="utf-8"))
    if missing := [name for name in LACKED if name not in found]:
        parser.error(f"the lock has no {', '.join(missing)}")
    print("\n".join(found[name] for name in LACKED))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
