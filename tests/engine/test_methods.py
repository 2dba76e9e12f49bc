"""Methods as data."""

import pytest

from prism_desktop.engine.config import SOURCE_RECIPE, TrainConfig, needed
from prism_desktop.engine.errors import InputError
from prism_desktop.engine.methods import (
    CONSENSUS,
    METHODS,
    default_method,
    method,
    method_title,
    spoken_of,
)
from prism_desktop.engine.methods.method_roles import ALIASES
from prism_desktop.engine.methods.parts.loss_parts import Loss
from prism_desktop.engine.methods.parts.scoring_parts import WeighedRuns


def test_that_every_method_tells_what_it_is_and_where_it_comes_from() -> None:
    assert all(name == entry.name for name, entry in METHODS.items())
    assert all(
        entry.title and entry.summary and entry.source and entry.entering()
        for entry in METHODS.values()
    )


@pytest.mark.parametrize(("alias", "name"), ALIASES.items())
def test_that_another_name_of_a_method_is_as_good(alias: str, name: str) -> None:
    assert method(alias) is method(name)
    wanted = TrainConfig().with_options({"method": name})
    assert TrainConfig().with_options({"method": alias}) == wanted
    assert TrainConfig().with_settings([f"method={alias}"]) == wanted
    assert TrainConfig(method=alias) == TrainConfig(method=name)
    members = {"method": "ensemble", "members": (alias, "hierarchical-bayes")}
    assert TrainConfig().with_options(members).members == (name, "hierarchical-bayes")


def test_that_every_method_that_one_stands_on_exists_and_stands_on_no_circle() -> None:
    def below(name: str) -> set[str]:
        return set(METHODS[name].stands_on).union(
            *(below(needed) for needed in METHODS[name].stands_on)
        )

    assert all(name not in below(name) for name in METHODS)


@pytest.mark.parametrize("name", METHODS)
def test_that_a_method_that_learns_from_the_consensus_has_one_even_if_nothing_is_compared_with_it(
    name: str,
) -> None:
    entry = METHODS[name]
    learns = (
        any(loss.of_consensus for loss in entry.of(Loss))
        or entry.starts == ("consensus",)
        or entry.has(WeighedRuns)
    )
    assert (CONSENSUS in needed(TrainConfig(method=name, compare=False))) == learns


@pytest.mark.parametrize("name", METHODS)
def test_that_a_methods_own_settings_are_settings(name: str) -> None:
    config = TrainConfig(method=name)
    assert all(hasattr(config, key) for key in METHODS[name].defaults)


def test_that_methods_are_called_by_words_for_what_is_judged() -> None:
    assert method_title("lora-visual-prompt", "prism-mini") == "LoRA + visual prompt"
    assert method_title("lora-visual-prompt", "lm:a/b") == "LoRA + soft prompt"
    assert spoken_of(METHODS["text-token"], texts=True) == METHODS["text-token"]


def test_that_where_nobody_chooses_texts_are_judged_by_what_is_fitted_in_seconds() -> None:
    assert default_method(embeddings=False, labelers=2, texts=True) == ("hierarchical-bayes", "")
    name, why = default_method(embeddings=False, labelers=1, texts=True)
    assert (name, "needs two" in why) == ("consensus", True)


def test_that_another_method_brings_its_own_settings_and_leaves_what_was_chosen() -> None:
    config = TrainConfig(batch=32).with_options({"method": "prefix-on-unified"})
    assert (config.start, config.tokens, config.batch) == ("consensus", 5, 32)
    back = config.with_options({"method": "lora-visual-prompt"})
    assert (back.start, back.tokens, back.batch) == ("closed-form", 1, 32)


def test_that_what_is_asked_for_beats_a_methods_own_settings() -> None:
    assert TrainConfig().with_options({"method": "prefix-on-unified"}, ["tokens=10"]).tokens == 10


@pytest.mark.parametrize(
    ("options", "texts", "both"),
    [
        ({"epochs": 2}, ["epochs=1"], ("as 2", "by --set as 1")),
        ({}, ["epochs=1", "rank=2", "epochs=2"], ("by --set, as 1", "as 2")),
        ({"split": "pair"}, ["split.kind=image"], ("split.kind", "as pair", "as image")),
        ({"labelers": ("L1", "L2")}, ["labelers=L1"], ("as L1,L2", "as L1")),
        ({"labelers": ("L1",)}, ["labelers="], ("as L1", "as none")),
        ({"method": "consensus"}, ["method=gated-memory"], ("as consensus", "as gated-memory")),
    ],
)
def test_that_a_setting_has_one_value_or_is_refused_with_both(
    options: dict[str, object], texts: list[str], both: tuple[str, ...]
) -> None:
    with pytest.raises(InputError, match="is given twice") as refused:
        TrainConfig().with_options(options, texts)
    assert all(part in str(refused.value) for part in both)
    assert str(refused.value).count(".") <= 2  # one sentence; a setting's name may hold a dot


def test_that_a_value_may_be_said_again() -> None:
    config = TrainConfig().with_options(
        {"epochs": 2, "labelers": ("L1", "L2")}, ["epochs=2", "epochs= 2", "labelers=L1, L2"]
    )
    assert (config.epochs, config.labelers) == (2, ("L1", "L2"))


@pytest.mark.parametrize("name", METHODS)
def test_that_the_source_recipe_leaves_what_makes_a_method(name: str) -> None:
    own, told = TrainConfig(method=name), TrainConfig(method=name, recipe="source")
    for key in {"start", "tokens", "flips"} & set(METHODS[name].defaults):
        # the closed form is ours, and no method would be another one without it
        ours = getattr(own, key) == "closed-form"
        assert getattr(told, key) == ("random" if ours else getattr(own, key))
    assert (told.temperature, told.lora_std) == (
        SOURCE_RECIPE["temperature"],
        SOURCE_RECIPE["lora_std"],
    )


@pytest.mark.parametrize(
    "name", [name for name, entry in METHODS.items() if "random" not in entry.starts]
)
def test_that_a_method_on_the_consensus_cannot_start_without_it(name: str) -> None:
    with pytest.raises(InputError, match=f"{name} stands on the consensus"):
        TrainConfig().with_options({"method": name, "start": "random"})


@pytest.mark.parametrize(
    "name", ["per-labeler-lora", "cluster-lora", "moe-lora", "full-finetune", "profile-text"]
)
def test_that_a_method_without_a_shared_adapter_cannot_start_at_the_consensus(name: str) -> None:
    with pytest.raises(InputError, match=f"{name} has no adapter that all labelers share"):
        TrainConfig().with_options({"method": name, "start": "consensus"})
    assert TrainConfig(method="adaptive-rank", start="consensus").start == "consensus"


def test_that_a_method_that_changes_the_image_tower_is_impossible_on_embeddings() -> None:
    assert "embeddings" in METHODS["moe-lora"].obstacle(embeddings=True, labelers=6, profiles=True)
    assert METHODS["hierarchical-bayes"].obstacle(embeddings=True, labelers=6, profiles=False) == ""


def test_that_a_combination_with_a_member_that_reads_answers_about_tested_faces_does_so_too() -> (
    None
):
    assert [name for name in METHODS if TrainConfig(method=name).reads_tested_faces] == [
        "collaborative"
    ]
    assert TrainConfig(method="ensemble", members=("retrieval", "collaborative")).reads_tested_faces
    assert not TrainConfig(
        method="ensemble", members=("retrieval", "hierarchical-bayes")
    ).reads_tested_faces


def test_that_a_method_is_impossible_without_what_it_reads() -> None:
    assert "profile" in METHODS["profile-text"].obstacle(
        embeddings=False, labelers=6, profiles=False
    )
    assert "two" in METHODS["lora-visual-prompt"].obstacle(
        embeddings=False, labelers=1, profiles=False
    )
    assert METHODS["consensus"].obstacle(embeddings=False, labelers=1, profiles=False) == ""


def test_that_an_unknown_method_is_answered_with_near_ones() -> None:
    with pytest.raises(InputError, match="hierarchical-bayes"):
        method("hierarchical-baye")
