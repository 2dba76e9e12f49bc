"""Installs PRISM Desktop from this folder, without any network: `python3 install.py [FOLDER]`.

It makes an environment of its own in FOLDER (by default prism-desktop, where you are) and changes
nothing else; to remove PRISM again, delete that folder. Needs nothing but Python itself, and says
so in plain words if it is not the version that the bundle was made for.
"""

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict  # noqa: UP035 - what older versions of Python have

HERE = Path(__file__).resolve().parent


class Refused(Exception):  # noqa: N818 - a sentence for the user, not a fault
    """It cannot be installed so; says what to do."""


def check(about: Dict[str, Any], target: Path, free: int) -> None:  # noqa: UP006
    """Refuse what the bundle is not for, before anything is made.

    Args:
        about: what bundle.json says: Python's version, the system, and the bytes that are needed.
        target: the folder to make.
        free: bytes free where it will be.

    Raises:
        Refused: the computer, its Python, the folder or its disk is none that it can be put on.
    """
    wanted = ".".join(map(str, about["python"]))
    this = ".".join(map(str, sys.version_info[:2]))
    if this != wanted:
        raise Refused(f"This bundle is for Python {wanted} and this is {this}; use python{wanted}.")
    here = f"{platform.system()} on {platform.machine()}"
    there = f"{about['system']} on {about['machine']}"
    if here != there:
        raise Refused(f"This bundle is for {there} and this is {here}; run make bundle on such.")
    if os.path.lexists(target) and not (target.is_dir() and not any(target.iterdir())):
        raise Refused(f"{target} is there already; name a new folder: install.py FOLDER.")
    if free < about["bytes"]:
        raise Refused(
            f"PRISM takes {about['bytes'] / 1e9:.1f} GB and {free / 1e9:.1f} GB are free at "
            f"{target}; name a folder on a larger disk."
        )


def free_at(target: Path) -> int:
    """Bytes free where a folder would be made."""
    there = next(one for one in (target, *target.parents) if one.is_dir())
    return shutil.disk_usage(there).free


def install(target: Path) -> Path:
    """Make the environment; returns the command that starts PRISM.

    Raises:
        Refused: a part of it cannot be made.
    """
    try:
        import ensurepip  # noqa: F401 - Debian leaves it out
        import venv
    except ImportError:
        this = ".".join(map(str, sys.version_info[:2]))
        raise Refused(
            f"This Python lacks venv; on Debian or Ubuntu: sudo apt-get install python{this}-venv"
        ) from None
    venv.create(target, with_pip=True, symlinks=os.name != "nt")
    folder = target / ("Scripts" if os.name == "nt" else "bin")
    alone = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    done = subprocess.run(
        [folder / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
         "--no-index", "--no-deps", "--require-hashes", "--find-links", HERE / "wheels",
         "--requirement", HERE / "requirements.txt"],
        env={**alone, "PIP_CONFIG_FILE": os.devnull}, check=False,
    )  # fmt: skip
    if done.returncode:
        raise Refused("A package could not be installed (see above); copy the bundle anew.")
    # Says which libraries of the system Qt lacks, if any.
    subprocess.run([folder / "python", "-m", "prism_desktop.qt_libraries"], check=False)
    return folder / "prism-desktop"


def main() -> int:
    """Install, or say in a sentence why not; what was begun is removed then."""
    parser = argparse.ArgumentParser(description="Installs PRISM Desktop without any network.")
    parser.add_argument("folder", nargs="?", type=Path, default=Path("prism-desktop"))
    target = Path.cwd() / parser.parse_args().folder
    command = None
    begun = False
    try:
        about = json.loads((HERE / "bundle.json").read_text(encoding="utf-8"))
        check(about, target, free_at(target))
        begun = True
        print(f"Installing PRISM Desktop into {target}; this takes some minutes.", flush=True)
        command = install(target)
    except (OSError, Refused, subprocess.SubprocessError) as fault:
        print(f"install.py: {fault}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("install.py: Interrupted; nothing is left behind.", file=sys.stderr)
        return 130
    finally:
        if begun and command is None:
            shutil.rmtree(target, ignore_errors=True)
    print(f"Done. Start it with {command}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
