"""Methods that change the language model itself, on judgments of texts: every preset trains, is
saved, answers the same once it is loaded, and lets somebody new in."""

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from prism_desktop.engine.adaptation.fitter_choice import open_fitter
from prism_desktop.engine.analysis.map_requests import NamedText, find_text
from prism_desktop.engine.analysis.mean_word_relevance_rules import (
    MeanWordRequest,
    mean_word_relevance,
)
from prism_desktop.engine.analysis.target_reading import TextModel
from prism_desktop.engine.analysis.word_relevance import WORD_MAPS
from prism_desktop.engine.analysis.word_relevance_rules import explain_texts
from prism_desktop.engine.analysis.word_units import words_of
from prism_desktop.engine.backbones import parse
from prism_desktop.engine.backbones.causal_lm import load_language_model
from prism_desktop.engine.backbones.shape import shape
from prism_desktop.engine.config import TrainConfig
from prism_desktop.engine.device import choose_device
from prism_desktop.engine.errors import InputError
from prism_desktop.engine.events import outcome
from prism_desktop.engine.methods import METHODS
from prism_desktop.engine.methods.parts.part import Sizes
from prism_desktop.engine.methods.parts.scoring_parts import WeighedRuns
from prism_desktop.engine.models.image_scoring import score_images
from prism_desktop.engine.models.language_tower import PersonalLanguageModel
from prism_desktop.engine.models.obstacles import Obstacles, find_obstacles
from prism_desktop.engine.models.parameter_counts import parameters
from prism_desktop.engine.models.predictor import Combined, load_predictor, tower_of
from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.control import Control
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.study.store import Study
from prism_desktop.engine.training.dependencies import dependency_config, find_dependency
from prism_desktop.engine.training.factory import Task
from prism_desktop.engine.training.session import train_run
from tests.fixtures.comparing import compared, plan_of
from tests.fixtures.language_model import make_language_model
from tests.fixtures.long_run import rest_in_soak
from tests.fixtures.runs import MakeRun, result
from tests.fixtures.word_maps import check_occlusion, check_token_gradients

TOWER = [name for name, method in METHODS.items() if not method.scoring.of_features]
# a table of soft tokens, adapters of labelers' own, words before attributes, a memory
HERE = {"lora-visual-prompt", "l2-constrained", "hybrid-prompt", "gated-memory"}


def trained(run: RunFolder) -> None:
    list(train_run(run, Control(run)))


def as_told_beforehand(run: RunFolder) -> bool:
    config, meta, sizes = run.config(), run.meta(), shape(parse(run.config().backbone))
    assert sizes is not None
    many = len(meta.labelers), len(meta.attributes)
    data = Sizes(*many, sizes, sizes.embed_dim, len(run.table("images")))
    told, summary = parameters(METHODS[config.method], config, data), run.summary()
    assert told is not None
    assert summary is not None
    trained = summary.parameters["trainable"]
    return bool(trained == told.number if told.exact else 0 < trained <= told.number)


@pytest.mark.parametrize("name", rest_in_soak(TOWER, HERE))
def test_that_every_method_learns_from_judgments_of_texts_and_answers_again(
    name: str,
    tiny_replies: Study,
    make_run: MakeRun,
    tiny_language_model: str,
) -> None:
    tiny_replies.update_labeler("L1", profile="Likes replies that are short.")
    run = make_run(tiny_replies, method=name, backbone=tiny_language_model, epochs=1, compare=False)
    trained(run)
    assert run.status().state == "finished"
    assert as_told_beforehand(run)
    predictor = load_predictor(run.path, "cpu")
    ids = [str(text) for text in run.table("images")["image"]]
    scores = result(score_images(run.path, predictor, dict.fromkeys(ids, run.path)))
    check_occlusion(predictor, find_text(run.path, ids[0]), "L2", "kind")
    check_token_gradients(predictor.loaded.model, 1)
    # validation texts are told apart by heads that never learned from them, where kept ones did
    refitted = run.config().start == "closed-form"
    kept = (run.table("images")["split"] != "val").to_numpy() | (not refitted)
    for row, labeler in enumerate(predictor.labelers):
        told = run.predictions(labeler, "kind").set_index("image")["score"][ids].to_numpy()
        assert np.allclose(scores[row, 0][kept], told[kept], atol=1e-4)
    fitter = result(open_fitter(RunFolder(run.path)))
    newcomer = fitter.fit(Task.of(run).answers["train"], "Likes length.").scores(None)
    assert newcomer.shape == scores[0].shape
    assert np.isfinite(newcomer).all()


def test_that_other_words_are_read_and_maps_of_images_refused_with_the_way_out(
    tiny_replies: Study, make_run: MakeRun, tiny_language_model: str
) -> None:
    run = make_run(
        tiny_replies, method="consensus", backbone=tiny_language_model, max_steps=1, compare=False
    )
    trained(run)
    predictor = load_predictor(run.path, "cpu")
    ids = {str(text): run.path for text in run.table("images")["image"]}
    rude = result(score_images(run.path, predictor, ids, ["L1"], ["rude", "polite"]))
    assert rude.shape == (1, 2, len(ids))
    assert not np.allclose(rude[0, 0], rude[0, 1])
    assert find_obstacles(run.path) == Obstacles()
    with pytest.raises(InputError, match="--text NAME` shades their words"):
        tower_of(predictor)


def test_that_words_of_towers_and_of_combinations_with_them_are_shaded(
    tiny_replies: Study, make_run: MakeRun, tiny_language_model: str
) -> None:
    options = {"backbone": tiny_language_model, "max_steps": 2, "compare": False, "token_std": 1.0}
    runs = [
        make_run(tiny_replies, method=name, **options)
        for name in ("lora-visual-prompt", "hierarchical-bayes", "moe-lora")
    ]
    for run in runs:
        trained(run)
    first = load_predictor(runs[0].path, "cpu")
    members = (first, *(load_predictor(run.path, "cpu", first.backbone) for run in runs[1:]))
    weights = np.array([[0.5, 1.0, 1.0], [0.3, 0.0, 1.0], [0.2, 0.0, 1.0]], np.float32)
    combined = Combined("combination", members, weights)
    text = find_text(runs[0].path, str(runs[0].table("images")["name"].iloc[0]))
    for labeler in ("L1", "L2"):
        check_occlusion(combined, text, labeler, "kind")
    # a score is the sum of its parts', and so is how it goes back to the words
    words = words_of(text.pair[1])
    apart = [TextModel.of(each).reading("L1", "kind") for each in (combined, *members)]
    maps = []
    for reading in apart:
        (feature,) = reading.encode([text.pair])
        direction = reading.gradient(feature, text.facts)
        maps.append(reading.token_map(text.pair, words, direction)[0])
    assert np.abs(maps[0]).max() > 1e-2
    assert maps[0] == pytest.approx(weights[:, 0] @ np.stack(maps[1:]), abs=1e-3)
    # whose score is taken off reads with tokens of their own
    tower = TextModel.of(first)
    one, other, less = (
        explain_texts(tower, text, None, (code, "kind", "occlusion", against), check=False)
        for code, against in (("L1", ""), ("L2", ""), ("L1", "L2"))
    )
    assert less.relevance == pytest.approx(one.relevance - other.relevance, abs=1e-4)
    assert not np.allclose(one.relevance, other.relevance, atol=1e-4)
    for odd in ("word " * 500, "x" * 3000, "\u202eabc \ud800 \U0001f389!! 日本", "." * 50, "a"):
        for kind in WORD_MAPS:
            named = NamedText("odd", ("Q" * 2000, odd), {})
            found = explain_texts(tower, named, None, ("L1", "kind", kind, ""))
            assert np.isfinite(found.score)
            assert len(found.relevance) == len(found.words)
            assert (1e-6 < found.beside < 1) == (kind == "gradient-input")  # but for float noise
    many = outcome(mean_word_relevance(runs[0], tower, MeanWordRequest("L1", "kind", 4)))
    assert many.answer("Ada").startswith("Too few to tell")


def test_that_a_combination_that_says_the_same_of_every_text_shades_no_word(
    text_run: RunFolder,
) -> None:
    predictor = load_predictor(text_run.path, "cpu")
    nothing = Combined("combination", (predictor,), np.zeros((1, 3), np.float32))
    text = find_text(text_run.path, str(text_run.table("images")["name"].iloc[0]))
    for kind in WORD_MAPS:
        found = explain_texts(TextModel.of(nothing), text, None, ("L1", "kind", kind, ""))
        assert not found.relevance.any()


def test_that_a_training_that_was_left_ends_in_the_same_bits(
    tiny_replies: Study, make_run: MakeRun, tiny_language_model: str
) -> None:
    options = {"method": "lora-visual-prompt", "backbone": tiny_language_model, "epochs": 2}
    runs = [
        make_run(tiny_replies, **options, start="random", compare=False, checkpoint_seconds=1e-9)
        for _ in range(2)
    ]
    list(train_run(runs[0], Control(runs[0])))
    events = train_run(runs[1], Control(runs[1]))
    for event in events:
        if getattr(event, "step", 0) and type(event).__name__ == "Step":
            break
    events.close()
    list(train_run(runs[1], Control(runs[1])))
    for file in ("tokens.safetensors", "adapter/adapter_model.safetensors"):
        one, other = (load_file(run.path / file) for run in runs)
        assert one.keys() == other.keys()
        assert all(np.array_equal(one[name], other[name]) for name in one)


def test_that_closed_forms_on_texts_are_compared_with_one_head_on_the_same_features(
    tiny_replies: Study, make_run: MakeRun, tiny_language_model: str
) -> None:
    options = {"backbone": tiny_language_model}
    run = make_run(tiny_replies, method="hierarchical-bayes", **options)
    trained(run)
    head = find_dependency(run, "consensus")
    assert head is not None
    assert as_told_beforehand(head)
    assert layout.holds(head.path, layout.HEAD)
    assert not layout.holds(head.path, layout.TOKENS)
    summary = run.summary()
    assert summary is not None
    assert summary.consensus is not None
    assert summary.gain is not None
    for given in ({"method": "moe-lora"}, {"method": "retrieval", "consensus": "adapters"}):
        other = make_run(tiny_replies, **options, **given)
        assert find_dependency(other, "consensus") is None
    by_hand = make_run(tiny_replies, method="moe-lora", **options, consensus="head")
    found = find_dependency(by_hand, "consensus")
    assert found is not None
    assert found.path == head.path


@pytest.mark.parametrize(
    ("names", "consensus"),
    [
        (("hierarchical-bayes", "retrieval"), "head"),
        (("hierarchical-bayes", "lora-visual-prompt"), "adapters"),
        (("consensus",), "adapters"),
        (("all",), "adapters"),
    ],
)
def test_that_all_rows_of_a_comparison_have_one_consensus(
    tiny_replies: Study, tiny_language_model: str, names: tuple[str, ...], consensus: str
) -> None:
    plan = plan_of(tiny_replies, tiny_language_model, *names)
    configs = [plan.config(name) for name in ("consensus", "hierarchical-bayes")]
    made = {dependency_config(one, "consensus").compared_with for one in configs}
    assert made == {consensus}


def test_that_training_from_a_consensus_needs_its_adapters() -> None:
    for options in ({"start": "consensus"}, {"method": "augmented"}):
        with pytest.raises(InputError, match="adapters"):
            TrainConfig().with_options({"consensus": "head", **options})


def test_that_a_consensus_of_texts_that_was_a_linear_head_is_not_used_again(
    tiny_replies: Study, make_run: MakeRun, tiny_language_model: str
) -> None:
    options = {"backbone": tiny_language_model, "epochs": 1, "max_steps": 1}
    kept, run = (
        make_run(tiny_replies, method=name, **options) for name in ("consensus", "moe-lora")
    )
    trained(kept)
    found = find_dependency(run, "consensus")
    assert found is not None
    assert found.path == kept.path
    (kept.path / layout.HEAD).write_bytes(b"as an earlier version kept it")
    assert find_dependency(run, "consensus") is None


@pytest.mark.soak
@pytest.mark.timeout(300)
def test_that_methods_of_all_kinds_are_compared_on_texts_with_swapped_models(
    tiny_replies: Study, tiny_language_model: str
) -> None:
    board, _ = compared(
        plan_of(
            tiny_replies, tiny_language_model, "lora-visual-prompt", "cluster-prefix", "selective",
            controls=True,
        )
    )  # fmt: skip
    rows = {row.method: row for row in board.methods}
    assert {"consensus", "lora-visual-prompt", "cluster-prefix", "selective"} <= rows.keys()
    assert all(rows[name].gain is not None for name in rows.keys() - {"consensus"})
    assert "lora-visual-prompt" in board.swapped


def test_that_an_encoder_gets_adapters_and_soft_tokens_too(
    tiny_replies: Study, make_run: MakeRun, tmp_path
) -> None:
    encoder = make_language_model(tmp_path / "encoder", encoder=True)
    run = make_run(
        tiny_replies, method="per-labeler-lora", backbone=encoder, max_steps=2, compare=False
    )
    trained(run)
    assert as_told_beforehand(run)
    model = PersonalLanguageModel(
        load_language_model(parse(encoder), choose_device("cpu")), 2, tokens=3, token_std=1.0
    )
    taken = model.prepare(model.accept([("Tea?", "Yes, gladly!"), (None, "No.")]))
    seen = model.encode(taken, torch.tensor([0, 1, 0]), torch.tensor([0, 0, 1]))
    assert not torch.allclose(seen[0], seen[1])


def test_that_what_stands_beside_a_text_in_a_batch_does_not_change_it(
    tiny_language_model: str,
) -> None:
    network = load_language_model(parse(tiny_language_model), choose_device("cpu"))
    model = PersonalLanguageModel(network, 2, tokens=2, token_std=0.5)
    texts = [(f"q{n}", "word " * (n % 7 + 1)) for n in range(20)]
    labeler = torch.arange(20) % 2
    together = model.encode(model.prepare(model.accept(texts)), labeler)
    for row in (0, 13):
        alone = model.encode(
            model.prepare(model.accept(texts[row : row + 1])), labeler[row : row + 1]
        )
        assert torch.allclose(alone[0], together[row], atol=1e-5)
    # without soft tokens and before training it reads as the frozen model does
    plain = PersonalLanguageModel(network, 1, method=METHODS["per-labeler-lora"])
    read = plain.encode(plain.prepare(plain.accept(texts)), torch.zeros(20, dtype=torch.int64))
    assert np.allclose(read.detach().numpy(), network.encode(texts), atol=1e-5)


def test_that_soft_tokens_that_leave_no_room_are_refused_with_the_way_out(
    tiny_replies: Study, make_run: MakeRun, tiny_language_model: str
) -> None:
    run = make_run(
        tiny_replies, method="prefix-on-unified", backbone=tiny_language_model, tokens=44,
        compare=False,
    )  # fmt: skip
    with pytest.raises(InputError, match=r"44 soft tokens leave no room.*tokens=1"):
        trained(run)


@pytest.mark.parametrize(
    "name", [name for name in METHODS if not METHODS[name].has(WeighedRuns) and name in TOWER]
)
def test_that_on_embeddings_of_texts_each_says_in_one_sentence_what_to_choose(name: str) -> None:
    config = TrainConfig(method=name)
    said = METHODS[config.method].obstacle(embeddings=True, labelers=3, profiles=True, texts=True)
    assert said == "" if name == "consensus" else "choose a language model such as" in said
