"""The entry point of `prism-desktop` and `python -m prism_desktop`."""

from prism_desktop.cli.main import main

__all__ = ["main"]

if __name__ == "__main__":
    main()
