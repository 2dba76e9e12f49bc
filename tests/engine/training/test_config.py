from pathlib import Path

import pytest

from prism_desktop.engine.config import SOURCE_RECIPE, TrainConfig, needed, settings
from prism_desktop.engine.errors import InputError
from prism_desktop.engine.methods import METHODS, members_of
from prism_desktop.engine.training.dependencies import dependency_config


def test_that_every_setting_is_glossed_and_can_be_set_by_its_key() -> None:
    examples = {
        "choice": None,
        "bool": "true",
        "int": "3",
        "float": "0.5",
        "text": "cpu",
        "list": "a, b",
    }
    for setting in settings():
        assert setting.description
        assert "\n" not in setting.description
        value = examples[setting.kind] or setting.choices[-1]
        value = "0.2" if setting.key in ("split.train", "split.val") else value
        value = "consensus, retrieval" if setting.key == "members" else value
        config = TrainConfig().with_settings([f"{setting.key}={value}"])
        *groups, last = setting.key.split(".")
        holder = getattr(config, groups[0]) if groups else config
        assert getattr(holder, last) is not None


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("tokn_lr=0.1", "near it are token_lr"),
        ("kind=pair", "near it are split.kind"),
        ("zzz=1", "the settings are method, recipe"),
        ("epochs", "has no value"),
        ("epochs=many", "must be a whole number"),
        ("epochs=0", "must be at least 1"),
        ("lora_lr=nan", "finite"),
        ("split.kind=half", "must be “image”, “pair”"),
        ("split.train=0.9", "leave nothing to test"),
        ("device=tpu", "must be auto, cuda"),
        (
            "members=consensus,hierarchical-baye",
            "“consensus, hierarchical-baye”: it names hierarchical-baye, which is",
        ),
        ("members=retrieval,ensemble", "it names ensemble, which is a combination itself"),
        ("members=retrieval,retrieval", "it names retrieval twice"),
    ],
)
def test_that_a_wrong_setting_is_one_clear_sentence(text: str, part: str) -> None:
    with pytest.raises(InputError) as error:
        TrainConfig().with_settings([text])
    assert part in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("method", "members", "part"),
    [
        ("selective", "consensus", "name 0 others"),
        ("selective", "retrieval,hierarchical-bayes", "name 2 others"),
        ("ensemble", "consensus", "a member beside the consensus"),
        (
            "auto",
            "lora-visual-prompt",
            "lora-visual-prompt cannot be trained on imported embeddings",
        ),
    ],
)
def test_that_members_that_do_not_fit_a_combination_are_refused_and_left_alone_elsewhere(
    method: str, members: str, part: str
) -> None:
    settings = [f"members={members}", "backbone=embeddings:faces"]
    with pytest.raises(InputError, match=part):
        TrainConfig(method=method).with_settings(settings)
    assert TrainConfig(method="retrieval").with_settings(settings).members is not None


@pytest.mark.parametrize(
    "written", ["hierarchical-bayes, retrieval", "hierarchical-bayes, consensus, retrieval"]
)
def test_that_a_combination_has_the_consensus_first_however_its_members_are_written(
    written: str,
) -> None:
    config = TrainConfig(method="ensemble").with_settings([f"members={written}"])
    assert needed(config) == ("consensus", "hierarchical-bayes", "retrieval")
    assert members_of(METHODS["ensemble"], config.members, embeddings=False) == needed(config)


def test_that_auto_trains_no_costly_member_before_it_is_asked_for() -> None:
    config = TrainConfig(method="auto").with_settings(["members=hierarchical-bayes, full-finetune"])
    assert needed(config) == ("consensus", "hierarchical-bayes")


def test_that_the_source_recipe_sets_every_value_but_those_chosen_on_purpose() -> None:
    config = TrainConfig().with_options({"epochs": 7}, ["recipe=source"])
    values = config.model_dump()
    assert {key: values[key] for key in SOURCE_RECIPE} == {**SOURCE_RECIPE, "epochs": 7}
    assert config.lora_lr == config.token_lr == 5e-4
    back = config.with_settings(["recipe=default"])
    assert back.epochs == 7
    assert back.token_lr == TrainConfig().token_lr


def test_that_a_run_beside_another_says_that_its_pairs_are_made_as_the_others() -> None:
    augmented, auto = TrainConfig(method="augmented"), TrainConfig(method="auto")
    assert dependency_config(augmented, "consensus").pairs == augmented.pairs
    assert dependency_config(augmented, "consensus").method == "consensus"
    assert dependency_config(auto, "augmented").pairs == auto.pairs != augmented.pairs


def test_that_the_recipe_also_replaces_values_read_from_a_file() -> None:
    read = TrainConfig.model_validate(TrainConfig().model_dump(mode="json"))
    assert read.with_settings(["recipe=source"]).token_lr == 5e-4


def test_that_options_and_lists_are_read() -> None:
    config = TrainConfig().with_options(
        {"split": "pair", "seed": 3}, ["labelers=L1, L2", "max_steps=9"]
    )
    assert (config.split.kind, config.seed, config.labelers, config.max_steps) == (
        "pair",
        3,
        ("L1", "L2"),
        9,
    )
    assert config.with_settings(["labelers=all", "max_steps="]).labelers is None


def test_that_a_configuration_survives_its_file(tmp_path: Path) -> None:
    config = TrainConfig().with_settings(["recipe=source", "split.fold=2", "attributes=smart"])
    path = tmp_path / "config.json"
    path.write_text(config.model_dump_json())
    assert TrainConfig.load(path) == config


@pytest.mark.parametrize("content", ["{", "[]", '{"epoch": 3}'])
def test_that_a_spoiled_file_is_a_sentence(tmp_path: Path, content: str) -> None:
    path = tmp_path / "config.json"
    path.write_text(content)
    with pytest.raises(InputError):
        TrainConfig.load(path)
    with pytest.raises(InputError, match="cannot be read"):
        TrainConfig.load(tmp_path / "none.json")
