"""Makes the offline bundle: `python -m tools.bundle.make_bundle dist`.

One archive with every package that PRISM needs to run, at the lock's versions and checked against
its hashes, PRISM itself, and `install.py`, which installs them on a computer without a network.
It is of this computer's system and version of Python. Nothing for tests or development is in it.
"""

import argparse
import hashlib
import json
import platform
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
import zipfile
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name, parse_wheel_filename

from tools.lock_pins import pins

ROOT = Path(__file__).parents[2]
_PIP = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check")


def needed(package: str) -> set[str]:
    """The packages that an installed one needs to run, by their
    canonical names and through all that these need in turn."""
    looked: set[tuple[str, frozenset[str]]] = set()
    waiting = [Requirement(package)]
    while waiting:
        one = waiting.pop()
        for line in metadata.requires(one.name) or ():
            inner = Requirement(line)
            extras = one.extras or {""}
            asked = inner.marker is None or any(inner.marker.evaluate({"extra": e}) for e in extras)
            name = canonicalize_name(inner.name)
            key = name, frozenset(inner.extras)
            if asked and key not in looked and _installed(name):
                looked.add(key)
                waiting.append(inner)
    return {name for name, _ in looked}


def _installed(name: str) -> bool:
    """The lock leaves out some that others name: torch.compile's, which is not used."""
    try:
        metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return False
    return True


def requirements(wheels: Path) -> str:
    """A line for each wheel: its version, and the hash that installing checks."""
    lines = []
    for wheel in sorted(wheels.glob("*.whl")):
        name, version, *_ = parse_wheel_filename(wheel.name)
        digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
        lines.append(f"{name}=={version} --hash=sha256:{digest}")
    return "\n".join(lines) + "\n"


def _made(wheels: Path) -> set[str]:
    return {parse_wheel_filename(wheel.name)[0] for wheel in wheels.glob("*.whl")}


def unpacked_bytes(wheels: Path) -> int:
    """What the wheels take once they are installed."""
    total = 0
    for wheel in wheels.glob("*.whl"):
        with zipfile.ZipFile(wheel) as file:
            total += sum(one.file_size for one in file.infolist())
    return total


def fill(folder: Path, lock: str) -> None:
    """Put into a new folder all that the archive holds."""
    wheels = folder / "wheels"
    wheels.mkdir(parents=True)
    locked = pins(lock)
    wanted = folder / "pins.txt"
    names = sorted(needed("prism-desktop"))
    if missing := [name for name in names if name not in locked]:
        raise SystemExit(f"The lock has no {', '.join(missing)}; run make lock.")
    wanted.write_text("\n".join(locked[name] for name in names) + "\n", encoding="utf-8")
    # Of packages that come as sources alone, pip makes wheels here.
    made = ["wheel", "--no-deps", "--wheel-dir", str(wheels)]
    subprocess.run([*_PIP, *made, "--require-hashes", "-r", str(wanted)], check=True)
    subprocess.run([*_PIP, *made, "--no-build-isolation", str(ROOT)], check=True)
    wanted.unlink()
    if lost := sorted({"prism-desktop", *names} - _made(wheels)):
        raise SystemExit(f"There is no wheel of {', '.join(lost)}; the bundle would not work.")
    (folder / "requirements.txt").write_text(requirements(wheels), encoding="utf-8")
    about = {
        "python": list(sys.version_info[:2]), "system": platform.system(),
        "machine": platform.machine(), "bytes": unpacked_bytes(wheels),
    }  # fmt: skip
    (folder / "bundle.json").write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")
    shutil.copyfile(Path(__file__).with_name("install.py"), folder / "install.py")
    shutil.copyfile(ROOT / "LICENSE", folder / "LICENSE")


def main() -> int:
    """Make the archive, and say where it is and how large."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path, nargs="?", default=Path("dist"))
    out: Path = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    version = metadata.version("prism-desktop")
    name = f"prism-desktop-{version}"
    tag = f"py{sysconfig.get_python_version()}-{sysconfig.get_platform()}"
    archive = out / f"{name}-{tag}.tar"
    with tempfile.TemporaryDirectory(dir=out) as scratch:
        fill(Path(scratch) / name, (ROOT / "requirements.lock").read_text(encoding="utf-8"))
        begun = Path(scratch) / "begun.tar"
        with tarfile.open(begun, "w") as file:  # wheels are compressed already
            file.add(Path(scratch) / name, name)
        begun.replace(archive)
    print(f"{archive}: {archive.stat().st_size / 1e9:.1f} GB. On a computer without a network:")
    print(f"  tar xf {archive.name}\n  python{sysconfig.get_python_version()} {name}/install.py")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
