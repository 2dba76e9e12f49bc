"""The bundle for a paper: the same answers, and nobody's name anywhere in it."""

import csv
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.evaluation.publication.methods_text import methods
from prism_desktop.engine.evaluation.publication.paper_bundle import (
    PaperOptions,
    paper_bundle,
    write_key,
)
from prism_desktop.engine.evaluation.publication.pseudonyms import Pseudonyms
from prism_desktop.engine.evaluation.quality.labeler_measures import Checks
from prism_desktop.engine.evaluation.quality.quality_report import study_quality
from prism_desktop.engine.events import Notice, Progress, outcome
from prism_desktop.engine.labeling.exclusion_rules import ExclusionRules
from prism_desktop.engine.labeling.protocol import usual_protocol
from prism_desktop.engine.labeling.protocol_session import ProtocolSession
from prism_desktop.engine.study.formula_guard import restored
from prism_desktop.engine.study.images import read_image
from prism_desktop.engine.study.records import (
    FactRecord,
    GivenAnswers,
    ImportBatch,
    ImportReport,
    LabelerRecord,
)
from prism_desktop.engine.study.store import Study
from prism_desktop.engine.study.texts import NewText
from tests.engine.study.test_store import rating
from tests.fixtures.study import MakeStudy, fill

WHO, NOTE, FILE = "Wilhelmina Zyx", "sits by the window with Quentin", "portrait-of-wilhelmina"


def _rows(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as lines:
        return [
            {name: restored(each) for name, each in row.items()} for row in csv.DictReader(lines)
        ]


def _key(study: Study, file: Path) -> Mapping[str, str]:
    write_key(study, file)
    return {row["pseudonym"]: row["identity"] for row in _rows(file)}


@dataclass(frozen=True)
class Published:
    """A study in which names stand in every place that may hold one, and its bundle."""

    study: Study
    out: Path
    files: tuple[Path, ...]


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Published]:
    """Made once: to look at all answers takes a while."""
    folder = tmp_path_factory.mktemp("published")
    with Study.create(folder / "zyxwvut.prism", attributes=("smart", "=kind")) as study:
        _name_people(study, folder)
        options = PaperOptions(True, ("age",), ExclusionRules(fastest_seconds=1.0, leave_out=()))
        yield Published(
            study, folder / "out", outcome(paper_bundle(study, folder / "out", options))
        )


def _name_people(study: Study, folder: Path) -> None:
    fill(study, images=8, labelers=2, comparisons=10, ratings=5)
    study.add_labeler("Wilhelmina", WHO, NOTE)
    file = folder / f"{FILE}.jpg"
    exif = Image.Exif()
    exif[0x013B] = WHO  # the artist
    Image.new("RGB", (40, 30), "grey").save(file, exif=exif, comment=NOTE.encode())
    study.add_images([read_image(file, f"{FILE}.jpg")])
    shown = study.image(f"{FILE}.jpg").id
    study.record([rating(study, "Wilhelmina", left=shown, answers={"smart": 3, "=kind": 2})])
    skipped = rating(study, "Wilhelmina", left=study.images()[0].id)
    why = {"smart": f"It is {WHO}", "=kind": "I cannot judge this"}
    study.record([replace(skipped, answers={}, status="skipped", skips=why)])
    facts = [
        FactRecord("rater", "Wilhelmina", "age", "41"),
        FactRecord("rater", "L1", "partner", f"lives with {WHO}"),
    ]
    report = ImportReport("i" * 32, f"{FILE}.csv", "facts", 2, 2, recipe=f'rater = "{WHO}"')
    study.apply_import(ImportBatch(report, facts=facts))


def test_that_the_answers_read_back_are_those_of_the_study(
    published: Published, tmp_path: Path
) -> None:
    named, out = published.study, published.out
    key, rows = _key(named, tmp_path / "key.csv"), _rows(out / "answers.csv")
    rated, compared = named.ratings(), named.comparisons()
    assert len(rows) == len(rated) + len(compared)
    back = sorted(
        (key[r["labeler"]], r["attribute"], key[r["face"]], int(r["rating"]))
        for r in rows
        if r["kind"] == "rating"
    )
    there = rated[["labeler", "attribute", "image", "value"]].astype(object)
    assert back == sorted(map(tuple, there.to_numpy().tolist()))
    back_pairs = sorted(
        (key[r["labeler"]], r["attribute"], key[r["left"]], key[r["right"]], r["outcome"])
        for r in rows
        if r["kind"] == "comparison"
    )
    pairs = compared[["labeler", "attribute", "left", "right", "outcome"]].astype(str)
    assert back_pairs == sorted(map(tuple, pairs.to_numpy().tolist()))
    chosen = {"left": "1.0", "right": "0.0", "tie": ""}
    assert all(r["left_chosen"] == chosen.get(r["outcome"], "") for r in rows)
    times = [float(r["seconds"]) for r in rows if r["seconds"]]
    assert all(round(each, 2) == each for each in times)
    late = {r["trial"] for r in rows if r["left_out"]}
    assert late
    assert {r["left_out"] for r in rows} == {"", "too fast answer"}
    # what a spreadsheet would run is text
    plain = pd.read_csv(out / "answers.csv", dtype=str)["attribute"]
    assert set(plain) == {"smart", "'=kind"}


def test_that_no_byte_of_the_bundle_names_anybody(published: Published, tmp_path: Path) -> None:
    named, out, files = published.study, published.out, published.files
    assert {file.relative_to(out).parts[0] for file in files} == {
        "README.md", "analysis.R", "answers.csv", "attributes.csv", "codebook.csv", "faces.csv",
        "images", "labelers.csv", "methods.html", "methods.md", "methods.txt", "skips.csv",
    }  # fmt: skip
    secret = {
        *WHO.split(), *NOTE.split()[-1:], FILE, "window", "lives with", named.id, named.path.stem,
        *(each.display_name for each in named.labelers() if each.display_name),
        *(each.id for each in named.images()), *(each.name for each in named.images()),
        *(trial.id for trial in named.trials()), *(trial.session for trial in named.trials()),
    }  # fmt: skip
    for file in files:
        content = file.read_bytes()
        told = content.decode("utf-8", "replace").casefold()
        assert not [each for each in secret if each.casefold() in told], file
        assert not [each for each in secret if each.casefold() in file.name.casefold()]
        if file.suffix == ".png":
            with Image.open(file) as image:
                assert not image.getexif()
                assert not image.info
    people = {row["labeler"]: row["fact_age"] for row in _rows(out / "labelers.csv")}
    assert sorted(people.values()) == ["", "", "41"]
    assert {row["reason"] for row in _rows(out / "skips.csv")} >= {
        "another reason", "I cannot judge this",
    }  # fmt: skip
    with pytest.raises(InputError, match="holds names of labelers"):
        outcome(paper_bundle(named, tmp_path / "other", PaperOptions(facts=("partner",))))
    with pytest.raises(InputError, match="No import says"):
        outcome(paper_bundle(named, tmp_path / "other", PaperOptions(facts=("height",))))
    assert not list((tmp_path / "other").glob("*"))


@pytest.mark.parametrize(
    ("name", "question", "scale", "told"),
    [
        ("kind", "How kind is the face?", ("1", "2", "3", "4"), ""),
        ("kind", "How kind is Wilhelmina's face?", ("1", "2", "3", "4"), "question of kind,"),
        ("like W-07", "", ("1", "2", "3", "4"), "name and question of like W-07,"),
        ("kind", "As W_07 is?", ("not", "a bit", "very", f"as {WHO}"), "question and scale of"),
    ],
)  # fmt: skip
def test_that_names_in_what_is_asked_are_told(
    tmp_path: Path, name: str, question: str, scale: tuple[str, ...], told: str
) -> None:
    with Study.create(tmp_path / "asked.prism", attributes=()) as study:
        study.add_attribute(name, question, scale)
        fill(study, images=4, labelers=1, comparisons=3, ratings=0)
        study.add_labeler("Wilhelmina", WHO)
        study.add_labeler("w07", "")
        out = tmp_path / "out"
        notices = [one.text for one in paper_bundle(study, out) if isinstance(one, Notice)]
    assert len(notices) == bool(told)
    assert all(f"is in the {told}" in one for one in notices)
    (row,) = _rows(out / "attributes.csv")
    assert name in row.values()


class _Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []

    def handle_data(self, data: str) -> None:
        self.said.append(data)


def test_that_the_methods_count_what_the_study_holds(published: Published) -> None:
    named, out = published.study, published.out
    text = (out / "methods.txt").read_text("utf-8")
    answers = len(named.ratings()) + len(named.comparisons())
    assert "3 labelers judged 9 face images" in text
    assert f"The data are {answers} answers" in text
    assert "1 trial was skipped as a whole" in text
    assert "The screen's timing was not measured." in text
    assert "No session followed a stored protocol" in text
    page = _Words()
    page.feed((out / "methods.html").read_text("utf-8"))
    for paragraph in text.split("\n\n"):
        assert paragraph.strip() in " ".join(page.said)
    script = (out / "analysis.R").read_text("utf-8")
    assert 'ATTRIBUTE <- "smart"' in script
    columns = set(_rows(out / "answers.csv")[0])
    for name in ("left_out", "kind", "rating", "face", "labeler", "left_chosen", "left", "right"):
        assert name in columns
        assert name in script


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(
        st.tuples(st.text(min_size=1, max_size=12), st.text(max_size=12)),
        unique_by=lambda pair: pair[0],
        max_size=6,
    )
)
def test_that_pseudonyms_tell_nothing_of_odd_names(people: list[tuple[str, str]]) -> None:
    code, again = (
        Pseudonyms("study", [LabelerRecord(*each) for each in some], [])
        for some in (people, people[::-1])
    )
    assert code.labelers == again.labelers  # the same each time, whatever the order
    assert len(set(code.labelers.values())) == len(people)
    fewer = Pseudonyms("study", [LabelerRecord(*each) for each in people[1:]], [])
    assert fewer.labelers.items() <= code.labelers.items()  # and whoever else is there
    elsewhere = Pseudonyms("another", [LabelerRecord(*each) for each in people], [])
    assert not set(elsewhere.labelers.values()) & set(code.labelers.values())
    assert [row[2:] for row in code.key()] == people
    for written in people:
        for name in written:
            if len(name.strip()) >= 2 and not re.fullmatch(r"[+-]?\d+([.,]\d+)?", name.strip()):
                assert code.names_somebody(f"of ({name.strip()}), 41")
    assert not code.names_somebody("41") or any("41" in name for each in people for name in each)


def test_that_a_second_bundle_leaves_no_images_of_an_earlier_one(
    tiny_study: Study, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    (out / "images").mkdir(parents=True)
    for name in ("F012.png", "F0123456789.png", "Figure.png"):
        (out / "images" / name).write_bytes(b"")
    outcome(paper_bundle(tiny_study, out, PaperOptions(stimuli=True)))
    there = {path.name for path in (out / "images").iterdir()}
    faces = {row["face"] for row in _rows(out / "faces.csv")}
    assert there == {"Figure.png", *(f"{face}.png" for face in faces)}
    outcome(paper_bundle(tiny_study, out))
    assert [path.name for path in (out / "images").iterdir()] == ["Figure.png"]


def test_that_facts_are_refused_for_names_and_not_for_numbers(
    tiny_study: Study, tmp_path: Path
) -> None:
    image, other = tiny_study.images()[:2]
    tiny_study.add_labeler("24")
    facts = [
        FactRecord("rater", "L1", "age", "24"), FactRecord("rater", "24", "age", "41"),
        FactRecord("rater", "24", "number", "24"),
        FactRecord("image", image.id, "sex", "female"),
        FactRecord("image", image.id, "twin", f"see {Path(other.name).stem}"),
        FactRecord("image", image.id, "original", f"crop of {image.name} (2019)"),
    ]  # fmt: skip
    report = ImportReport("i" * 32, "facts.csv", "facts", len(facts), len(facts))
    tiny_study.apply_import(ImportBatch(report, facts=facts))
    outcome(paper_bundle(tiny_study, tmp_path / "out", PaperOptions(facts=("age", "sex"))))
    assert {row["fact_age"] for row in _rows(tmp_path / "out" / "labelers.csv")} >= {"24", "41"}
    for name, whose in (("number", "labelers"), ("twin", "images"), ("original", "images")):
        with pytest.raises(InputError, match=f"holds names of {whose}"):
            outcome(paper_bundle(tiny_study, tmp_path / "no", PaperOptions(facts=(name,))))


def test_that_a_bundle_of_texts_tells_what_was_judged_and_names_nobody(
    tiny_replies: Study, tmp_path: Path
) -> None:
    study, out = tiny_replies, tmp_path / "out"
    study.add_labeler("Wilhelmina", WHO, NOTE)
    study.add_texts([NewText("named", f"Yours, {WHO}", "Greet.", "Wilhelmina")])
    outcome(paper_bundle(study, out, PaperOptions(stimuli=True)))
    key = _key(study, tmp_path / "key.csv")
    told = {row["stimulus"]: row for row in _rows(out / "texts.csv")}
    texts = {each.id: each for each in study.texts()}
    assert {key[stimulus] for stimulus in told} == set(texts)
    for stimulus, row in told.items():
        text = texts[key[stimulus]]
        assert int(row["characters"]) == len(text.text)
        assert key.get(row["author"], "") == (text.author or "")
        assert row["text_says"] == ("" if text.name == "named" else text.text)
        assert row["prompt_says"] == (text.prompt or "")
    prompts = {(row["prompt"], row["prompt_says"]) for row in told.values()}
    assert len(prompts) == len({text.prompt for text in texts.values()})
    rated = sorted(
        (key[row["labeler"]], row["attribute"], key[row["stimulus"]], int(row["rating"]))
        for row in _rows(out / "answers.csv")
        if row["kind"] == "rating"
    )
    there = study.ratings()[["labeler", "attribute", "image", "value"]].astype(object)
    assert rated == sorted(map(tuple, there.to_numpy().tolist()))
    for file in out.iterdir():
        content = file.read_text("utf-8")
        assert not re.search(r"\b(faces?|images?|pixels?)\b", content), file
        assert not re.search("Wilhelmina|window", content), file
    columns = set(_rows(out / "answers.csv")[0])
    named = set(re.findall(r"\b(?:stimulus|labeler|left_chosen|left|right|rating)\b",
                           (out / "analysis.R").read_text("utf-8")))  # fmt: skip
    assert "stimulus" in named
    assert named <= columns
    outcome(paper_bundle(study, out))
    assert set(_rows(out / "texts.csv")[0]) == {"stimulus", "prompt", "author", "characters"}


def test_that_looking_for_names_tells_how_far_it_is_and_can_be_ended(
    tiny_replies: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study, out, looked = tiny_replies, tmp_path / "out", Counter[str]()
    study.add_texts([NewText(f"more {n}", f"So it is, {n}.", "Greet.") for n in range(60)])
    found = Pseudonyms.may_name_somebody

    def counting(self: Pseudonyms, text: str) -> bool:
        looked[text] += 1
        return found(self, text)

    monkeypatch.setattr(Pseudonyms, "may_name_somebody", counting)
    work = paper_bundle(study, out, PaperOptions(stimuli=True))
    at = [
        event.done
        for event in work
        if isinstance(event, Progress) and event.what.startswith("Looking for names")
    ]
    assert len(at) >= 3
    assert at[-1] < len(looked)
    assert looked["Greet."] == 1
    assert set(looked.values()) == {1}
    looked.clear()
    work = paper_bundle(study, tmp_path / "other", PaperOptions(stimuli=True))
    next(
        event
        for event in work
        if isinstance(event, Progress) and event.what.startswith("Looking for names")
    )
    work.close()  # type: ignore[attr-defined]
    assert not looked
    assert not any((tmp_path / "other").iterdir())


@pytest.mark.parametrize(
    ("name", "code", "text", "named"),
    [
        ("Anna Müller", "P7", "Love, Anna", True),
        ("Anna Müller", "P7", "that is annas view", True),
        ("Anna Müller", "P7", "mu\u0308llers hut", True),  # letters and marks apart
        ("Mu\u0308ller", "x9", "Müller", True),
        ("王小明", "P7", "我是王小明的朋友", True),
        ("", "1042", "participant 1042 here", True),
        ("Anna Müller", "P7", "yours, p7", True),
        ("Anna Müller", "P7", "an annual banner", False),
        ("Jo Li", "P7", "jolly lilies", False),
        ("", "1", "one of 1", False),  # a single sign is in any text
        ("", "P7", "nothing", False),
    ],
)
def test_that_what_may_name_a_labeler_is_found_in_texts(
    name: str, code: str, text: str, named: bool
) -> None:
    code_of = Pseudonyms("study", [LabelerRecord(code, name)], [])
    assert code_of.may_name_somebody(text) == named


def test_that_the_methods_say_what_a_protocol_asked_for(make_study: MakeStudy) -> None:
    study = make_study(images=21, labelers=2, comparisons=0, ratings=0)
    study.put_protocol(usual_protocol().model_copy(update={"strength": True}).toml())
    record = study.protocol()
    assert record is not None
    session = ProtocolSession(study, "L1", record)
    for _ in range(5):  # of which four are practice
        assert session.current is not None
        session.record(GivenAnswers(dict.fromkeys(session.current.attributes, "left")))
    checks = {"L1": Checks(20, 12)}
    report = outcome(study_quality(study.comparisons(), study.ratings(), checks=checks))
    sections = {each.title: each.text for each in methods(study, report)}
    assert (
        "1 labeler had 20 attention checks with a known answer, of which 12 were failed"
        in sections["Exclusions"]
    )
    assert "more than 25% of at least 5" in sections["Exclusions"]
    assert sections["Exclusions"].endswith("is left out: 1 labeler.")
    told = sections["Procedure"]
    assert "Sessions followed version 1 of 1 version" in told
    for words in (
        "Practice of 4 trials", "strength of preference", "a break every 50 trials",
        "labelers saw no predictions and no one else's answers", "answers could be taken back",
        "no face came again within 3 trials",
    ):  # fmt: skip
        assert words in told
