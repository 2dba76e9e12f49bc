from prism_desktop.engine.backbones import parse
from prism_desktop.engine.backbones.shape import shape
from prism_desktop.engine.config import TrainConfig
from prism_desktop.engine.methods import METHODS
from prism_desktop.engine.methods.parts.part import Count, Sizes
from prism_desktop.engine.models.method_listing import listing
from prism_desktop.engine.models.parameter_counts import parameters


def test_that_the_source_count_of_vit_b32_is_met() -> None:
    data = Sizes(6, 3, shape(parse("ViT-B-32-quickgelu:openai")), 512)
    consensus, personal = (
        parameters(METHODS[name], TrainConfig(method=name, recipe="source"), data)
        for name in ("consensus", "lora-visual-prompt")
    )
    assert consensus == Count(368_640 + 768)  # rank 4 on both layers of 12 MLPs, and the token
    assert personal == Count(368_640 + 6 * 768)


def test_that_every_possible_method_tells_its_parameters_and_those_of_members() -> None:
    for backbone, sizes in (("prism-mini", {}), ("embeddings:faces", {"dimensions": 512})):
        rows = {row["name"]: row for row in listing(backbone, 6, 3, True, images=300, **sizes)}
        assert all((row["parameters"] is not None) == row["possible"] for row in rows.values())
        count = {name: row["parameters"] for name, row in rows.items() if row["possible"]}
        # a weight for each labeler, attribute and axis
        assert count["hierarchical-bayes"] == 6 * 3 * 64
        assert not rows["hierarchical-bayes"]["exact"]  # validation may choose fewer axes
        weights = 2 * 6
        assert count["selective"] == count["consensus"] + count["hierarchical-bayes"] + weights
    assert count["consensus"] == 3 * 64
    assert count["retrieval"] == count["consensus"]


def test_that_a_combination_of_chosen_members_counts_the_consensus_as_its_first() -> None:
    data = Sizes(6, 3, shape(parse("prism-mini")), 128)
    told = {
        members: parameters(
            METHODS["ensemble"], TrainConfig(method="ensemble", members=members), data
        )
        for members in (
            ("hierarchical-bayes", "retrieval"),
            ("consensus", "hierarchical-bayes", "retrieval"),
        )
    }
    heads = [
        parameters(METHODS[name], TrainConfig(method=name), data)
        for name in ("hierarchical-bayes", "retrieval")
    ]
    # a weight per labeler of all three
    total = sum(count.number for count in heads if count is not None) + 3 * 6
    assert set(told.values()) == {Count(total, exact=False)}


def test_that_a_study_says_which_methods_are_possible_and_why_not() -> None:
    rows = {
        row["name"]: row
        for row in listing("embeddings:faces", labelers=3, attributes=2, profiles=False)
    }
    assert rows.keys() == METHODS.keys()
    assert rows["hierarchical-bayes"]["possible"]
    assert not rows["text-token"]["possible"]
    assert "image backbone" in rows["text-token"]["reason"]
    alone = {
        row["name"]: row for row in listing("prism-mini", labelers=1, attributes=2, profiles=False)
    }
    assert [name for name, row in alone.items() if row["possible"]] == ["consensus"]
    without = {
        row["name"]: row for row in listing("prism-mini", labelers=3, attributes=2, profiles=False)
    }
    assert [name for name, row in without.items() if not row["possible"]] == ["profile-text"]
    assert "no labeler has one" in without["profile-text"]["reason"]
