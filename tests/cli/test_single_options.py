"""An option that takes one value refuses a second one, in every command alike."""

from collections.abc import Iterator
from typing import Any

import pytest
from typer.main import get_command

from prism_desktop.cli.command_table import COMMANDS
from prism_desktop.cli.main import app, main
from prism_desktop.engine.errors import InputError


def _all(command: Any) -> Iterator[Any]:
    for name in list(getattr(command, "commands", ())):
        yield from _all(command.commands[name])
    if not hasattr(command, "commands"):
        yield command


def _given_twice(option: Any) -> list[str]:
    """What two different values of an option are typed as; nothing where it has but one."""
    if option.is_flag:
        return [option.opts[0], option.secondary_opts[0]] if option.secondary_opts else []
    return [option.opts[0], "1", f"{option.opts[-1]}=2"]


@pytest.mark.parametrize("name", COMMANDS)
def test_that_no_command_takes_one_of_two_values_in_silence(name: str) -> None:
    for command in _all(get_command(app).commands[name]):
        for option in command.params:
            if option.param_type_name != "option" or option.multiple:
                continue
            if typed := _given_twice(option):
                with pytest.raises(InputError, match=option.opts[0]):
                    command.make_context(name, typed)


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        (
            ["--epochs", "1", "--epochs", "2"],
            "--epochs is given twice, as 1 and as 2; give it once.",
        ),
        (["--epochs=1", "--name", "a", "--epochs=x"], "as 1 and as x;"),
        (["--cross-fit", "--no-cross-fit"], "--cross-fit and --no-cross-fit are both given"),
        (["--epochs", "1", "--epochs", "1"], "There is no study"),
        (["--controls", "--controls"], "There is no study"),
        (["--set", "seed=1", "--set", "batch=2"], "There is no study"),
    ],
)
def test_that_the_same_value_twice_is_one_and_another_is_refused(
    typed: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["compare", "/nowhere", *typed])
    assert ended.value.code == 2
    assert told in capsys.readouterr().err
