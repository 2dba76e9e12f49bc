"""Find the system libraries that Qt needs and this machine lacks, and say how to get them.

Qt's wheels bring Qt itself but not the display libraries of a Linux system; without them Qt aborts
the whole process. `python -m prism_desktop.qt_libraries --install` installs them where that is
allowed (Debian, as root).
"""

import argparse
import ctypes
import os
import shutil
import subprocess
import sys

# library file -> Debian package
_ALWAYS = {
    "libEGL.so.1": "libegl1",
    "libGL.so.1": "libgl1",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libfontconfig.so.1": "libfontconfig1",
    "libdbus-1.so.3": "libdbus-1-3",
    "libglib-2.0.so.0": "libglib2.0-0",
}
_ON_X11 = {
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-image.so.0": "libxcb-image0",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-randr.so.0": "libxcb-randr0",
    "libxcb-render-util.so.0": "libxcb-render-util0",
    "libxcb-shape.so.0": "libxcb-shape0",
    "libxcb-xkb.so.1": "libxcb-xkb1",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
}


def display_available() -> bool:
    """Whether a window can be shown: always on Windows
    and macOS, elsewhere when a display is set."""
    if sys.platform in ("win32", "darwin"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def missing_packages(*, window: bool) -> tuple[str, ...]:
    """Debian packages of the libraries that cannot be loaded; empty on Windows and macOS.

    Args:
        window: also what an X11 window needs, not only drawing into memory.
    """
    if not sys.platform.startswith("linux"):
        return ()
    wanted = {**_ALWAYS, **_ON_X11} if window else _ALWAYS
    return tuple(package for library, package in wanted.items() if not _loads(library))


def sentence(packages: tuple[str, ...]) -> str:
    """One actionable sentence for missing packages."""
    command = f"sudo apt-get install {' '.join(packages)}"
    return f"Qt needs system libraries that are missing here; on Debian or Ubuntu: {command}"


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def _install(packages: tuple[str, ...]) -> bool:
    if shutil.which("apt-get") is None or not hasattr(os, "geteuid") or os.geteuid() != 0:
        return False
    quiet = ["apt-get", "-qq", "-o", "Dpkg::Use-Pty=0"]
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    # A list that cannot be refreshed may still know the packages.
    subprocess.run([*quiet, "update"], env=environment, check=False, stdout=subprocess.DEVNULL)
    command = [*quiet, "install", "-y", "--no-install-recommends", *packages]
    return (
        subprocess.run(command, env=environment, check=False, stdout=subprocess.DEVNULL).returncode
        == 0
    )


def main() -> int:
    """Report what is missing; with --install, get it if possible.

    Exit code 1 if something needed stays missing.
    """
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument(
        "--install",
        action="store_true",
        help="install missing packages with apt-get when run as root",
    )
    arguments = parser.parse_args()
    packages = missing_packages(window=display_available())
    if packages and not (arguments.install and _install(packages)):
        print(sentence(packages), file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
