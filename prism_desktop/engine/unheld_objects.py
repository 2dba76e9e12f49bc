"""How often Python looks for circles of objects that nobody holds any more.

What is imported stays, half a million objects of it, and as they grow in number all are looked
through again and again: a sixth of the time of a command that ends after two seconds. So commands
look seldom; a window, which lives for hours, looks as often as usual.
"""

import gc

_OBJECTS = 50_000  # new ones after which it looks
_usual = gc.get_threshold()


def look_seldom() -> None:
    """For a command."""
    gc.set_threshold(_OBJECTS, *_usual[1:])


def look_as_usual() -> None:
    """For whatever lives on."""
    gc.set_threshold(*_usual)
