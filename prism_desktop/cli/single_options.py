"""An option that takes one value has one: which of two was meant, the program does not guess."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.plain_text import shortened

_EACH_TIME: Final = {"store": "append", "store_const": "append_const"}  # of click's parser
_SHOWN: Final = 60  # letters of what somebody wrote, in a sentence about it


def refuse_second_values(command: Any) -> None:
    """Have a command, and those below it, refuse an option that was given two values.

    The same one twice is one. What may be repeated, such as `--set`, is left as it is.
    """
    for below in getattr(command, "commands", {}).values():
        refuse_second_values(below)
    for option in command.params:
        if option.param_type_name == "option" and not (option.multiple or option.count):
            _keep_each(option)


class _ParserOfEach:
    """A parser that keeps what an option was given each time, where click's keeps the last."""

    def __init__(self, parser: Any) -> None:
        self._parser = parser

    def add_option(self, *given: Any, action: str = "store", **named: Any) -> None:
        self._parser.add_option(*given, action=_EACH_TIME.get(action, action), **named)


def _keep_each(option: Any) -> None:
    add: Callable[..., None] = option.add_to_parser
    handle: Callable[..., Any] = option.handle_parse_result

    def add_to_parser(parser: Any, context: Any) -> None:
        add(_ParserOfEach(parser), context)

    def handle_parse_result(context: Any, opts: Mapping[str, Any], args: list[str]) -> Any:
        given = opts.get(option.name)
        if isinstance(given, list):
            _check(option, given)
            opts = {**opts, option.name: given[-1]}
        return handle(context, opts, args)

    option.add_to_parser = add_to_parser
    option.handle_parse_result = handle_parse_result


def _check(option: Any, given: list[Any]) -> None:
    """Raise an InputError if an option was given two values."""
    other = next((one for one in given if one != given[0]), None)
    if other is None:
        return
    name = max(option.opts, key=len)
    if option.is_flag:
        other = max(option.secondary_opts, key=len)
        raise InputError(f"{name} and {other} are both given; give one.")
    first, last = (shortened(str(one), _SHOWN) for one in (given[0], other))
    raise InputError(f"{name} is given twice, as {first} and as {last}; give it once.")
