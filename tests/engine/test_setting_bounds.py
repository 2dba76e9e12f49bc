"""Numbers of settings that no run could count to are refused where they are given."""

import pytest

from prism_desktop.engine.config import TrainConfig
from prism_desktop.engine.errors import InputError
from prism_desktop.engine.settings import MOST, SettingsModel, settings_of
from prism_desktop.engine.writing.writing_config import WritingConfig

_NUMBERS = [
    (config, one.key)
    for config in (TrainConfig, WritingConfig)
    for one in settings_of(config)
    if one.kind in ("int", "float")
]


def _set(config: type[SettingsModel], text: str) -> None:
    if config is TrainConfig:
        TrainConfig().with_settings([text])
    else:
        WritingConfig.of("unified-lora", {}, [text])


@pytest.mark.parametrize(("config", "key"), _NUMBERS)
def test_that_no_setting_takes_a_number_that_nothing_could_count_to(
    config: type[SettingsModel], key: str
) -> None:
    optional = next(one.optional for one in settings_of(config) if one.key == key)
    odd = [str(2 * MOST), "9" * 20, "9" * 5_000, "1e300", "inf", "nan", f"-{'9' * 20}"]
    for value in odd if optional else [*odd, ""]:
        with pytest.raises(InputError, match=f"setting {key} cannot be"):
            _set(config, f"{key}={value}")


def test_that_the_largest_seed_is_one() -> None:
    _set(TrainConfig, f"seed={MOST}")
    _set(WritingConfig, f"seed={MOST}")
