"""The data snapshot of a run, taken out of the study once: nothing that is answered later
changes it."""

import hashlib
import json
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from prism_desktop.engine.backbones import BackboneSpec, check_weights, parse
from prism_desktop.engine.backbones.prompt_layout import Pair
from prism_desktop.engine.backbones.shape import shape, too_deep
from prism_desktop.engine.backbones.spec import misfit
from prism_desktop.engine.coded_columns import codes_in, is_coded
from prism_desktop.engine.config import TrainConfig, needed
from prism_desktop.engine.errors import InputError
from prism_desktop.engine.events import Progress
from prism_desktop.engine.files import copy, write_whole
from prism_desktop.engine.grammar import counted
from prism_desktop.engine.json_files import read_json
from prism_desktop.engine.methods import method
from prism_desktop.engine.methods.needed_methods import stands_on_features
from prism_desktop.engine.methods.read_settings import reads
from prism_desktop.engine.models.image_blocks import unknown_facts
from prism_desktop.engine.plain_text import few
from prism_desktop.engine.runs import layout, run_tables
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.runs.result_files import (
    AttributeFacts,
    Counts,
    LabelerFacts,
    SnapshotMeta,
)
from prism_desktop.engine.runs.written_tables import write_table
from prism_desktop.engine.stimulus_words import StimulusWords
from prism_desktop.engine.study.confirmed import confirmed_names
from prism_desktop.engine.study.embeddings import read_embeddings
from prism_desktop.engine.study.set_aside import told_aside
from prism_desktop.engine.training.spare_memory import give_back

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from prism_desktop.engine.evaluation.splits import PairSet
    from prism_desktop.engine.study.store import Study

Tables = Mapping[layout.Table, "pd.DataFrame"]

_LINES = 200_000  # of text at once, of which a fingerprint is made
_STEPS = 3  # of taking a snapshot, between which orders are heard

# Columns of what is learned from.
_LEARNED: Mapping[layout.Table, tuple[str, ...]] = {
    "images": ("image", "split"),
    "pairs": ("labeler", "attribute", "left", "right", "outcome", "weight", "source", "split"),
    "ratings": ("labeler", "attribute", "image", "value", "raw"),
}


def check_wanted(study: "Study", config: TrainConfig) -> None:
    """Refuse, before a run is made, what no answers are needed to refuse.

    Raises:
        InputError: a labeler or attribute is unknown, or nobody confirmed any of the attributes.
        BackboneError: the file of weights is not there, or none that may be read.
    """
    _check_backbone(study, config)
    _chosen("labeler", config.labelers, [labeler.code for labeler in study.labelers()])
    _confirmed(study, config)
    if config.blocks:
        known = {fact.name for fact in study.facts() if fact.kind == "image"}
        if problem := unknown_facts(config.blocks, sorted(known)):
            raise InputError(problem)


def make_snapshot(study: "Study", run: RunFolder, config: TrainConfig) -> None:
    """Write a run's `data/` from the study's present answers; raises as `take_snapshot`."""
    for _ in take_snapshot(study, run, config):
        pass


def take_snapshot(study: "Study", run: RunFolder, config: TrainConfig) -> Iterator[Progress]:
    """Write a run's `data/` from the study's present answers, step by step.

    Raises:
        InputError: if a labeler or attribute is unknown, or there is nothing to learn from: no
            answers, or none about an attribute that somebody confirmed.
        BackboneError: the file of weights is not there, or none that may be read.
    """
    from prism_desktop.engine.evaluation.controls import shuffle_raters

    yield Progress(0, _STEPS, "Reading the answers")
    backbone = parse(config.backbone)
    _check_backbone(study, config)
    codes = _chosen("labeler", config.labelers, [labeler.code for labeler in study.labelers()])
    names, guessed = _confirmed(study, config)
    gone = _gone(study, backbone)
    images, comparisons, ratings = _seen(study, codes, names, gone)
    _refuse_silence(codes, names, study.words(), comparisons, ratings)
    give_back()
    yield Progress(1, _STEPS, "Splitting the answers")
    made = _paired(study.words(), comparisons, ratings, images, config)
    if config.pairs.shuffle is not None:
        ratings = shuffle_raters(ratings, made.images, config.pairs.shuffle)
    used = made.pairs.loc[made.pairs["split"] != "dropped", ["labeler", "attribute"]]
    lost = _lost(config, used, comparisons, ratings)
    speaking, asked = set(used["labeler"].unique()), set(used["attribute"].unique())
    codes = [code for code in codes if code in speaking]
    names = [name for name in names if name in asked]
    pairs = _kept(
        made.pairs, made.pairs["labeler"].isin(codes) & made.pairs["attribute"].isin(names)
    )
    made = replace(made, pairs=pairs)
    _refuse_method(study, config, codes)
    give_back()
    yield Progress(2, _STEPS, "Writing the answers")
    tables: Tables = {
        "images": made.images,
        "pairs": pairs,
        "comparisons": comparisons,
        "ratings": ratings,
    }
    for name, frame in tables.items():
        _write(run, name, frame)
    meta = _describe(study, codes, names).model_copy(
        update={
            "facts_sha256": _write_facts(study, run, set(made.images["image"])),
            "split": made.report,
            "notices": (
                *made.notices,
                *lost,
                *guessed,
                *_left_out(gone, backbone, study.words()),
                *filter(None, [told_aside(study.set_aside())]),
            ),
            "created": time.time(),
            "counts": counts(pairs, codes, names, len(made.images)),
        }
    )
    info = study.info()
    if info.kind == "text":
        meta = meta.model_copy(update={"kind": info.kind, "prompted": info.prompted})
        seen = set(made.images["image"])
        told = {text.id: (text.prompt, text.text) for text in study.texts() if text.id in seen}
        write_texts(run, told)
    if backbone.kind == "embeddings":
        sha256 = read_embeddings(study.path, backbone.model)[2]
        meta = meta.model_copy(update={"embeddings_sha256": sha256})
    _write_meta(run, meta, tables)


def _paired(
    words: StimulusWords,
    comparisons: "pd.DataFrame",
    ratings: "pd.DataFrame",
    images: "pd.DataFrame",
    config: TrainConfig,
) -> "PairSet":
    """Pairs with splits; what is told or refused of them in the words of what was judged."""
    from prism_desktop.engine.evaluation.splits import make_pairs

    with words.refusing():
        made = make_pairs(comparisons, ratings, images, config.split, config.pairs)
    warning = made.report.warning
    report = made.report.model_copy(update={"warning": warning and words.told(warning)})
    return replace(made, report=report, notices=tuple(map(words.told, made.notices)))


def _check_backbone(study: "Study", config: TrainConfig) -> None:
    """Raises: InputError: it is for stimuli of another kind, or has too few blocks for the method
    or one that it needs. BackboneError: it cannot be read."""
    backbone = parse(config.backbone)
    if problem := misfit(backbone, study.kind()):
        raise InputError(problem)
    check_weights(backbone)
    late = any(
        reads(
            method(name),
            "trunk",
            config.members,
            embeddings=stands_on_features(name, config.backbone, config.compared_with),
        )
        for name in (config.method, *needed(config, whole=True))
    )
    sizes = shape(backbone) if config.trunk and late else None
    if sizes is not None and (problem := too_deep(config.trunk, sizes.blocks)):
        raise InputError(problem)


def _refuse_method(study: "Study", config: TrainConfig, codes: Sequence[str]) -> None:
    """Raises: InputError: the method cannot be trained on what these labelers gave."""
    speaking = set(codes)
    obstacle = method(config.method).obstacle(
        embeddings=not parse(config.backbone).has_tower,
        labelers=len(codes),
        profiles=any(
            labeler.profile.strip() for labeler in study.labelers() if labeler.code in speaking
        ),
        texts=study.kind() == "text",
    )
    if obstacle:
        raise InputError(obstacle)


def _left_out(gone: Set[str], backbone: BackboneSpec, words: StimulusWords) -> list[str]:
    """A sentence on stimuli that the backbone cannot see."""
    if not gone:
        return []
    why = (
        "have no such embedding"
        if backbone.kind == "embeddings"
        else "are missing on the disk; relink the image folder"
    )
    was, were = f"{words.kept} was", f"{words.kept_many} were"
    return [f"{counted(len(gone), was, were)} left out: {why}."]


def _confirmed(study: "Study", config: TrainConfig) -> tuple[list[str], list[str]]:
    """The chosen attributes without those that an import guessed, and a sentence on these."""
    attributes = {attribute.name: attribute for attribute in study.attributes()}
    chosen = _chosen("attribute", config.attributes, list(attributes))
    names, notice = confirmed_names([attributes[name] for name in chosen], study.path)
    return list(names), [notice] if notice else []


def _gone(study: "Study", backbone: BackboneSpec) -> set[str]:
    """Images or texts that the backbone cannot see."""
    if backbone.kind == "embeddings":
        known = set(read_embeddings(study.path, backbone.model)[0])
        return {record.id for record in study.stimuli() if record.id not in known}
    return {record.id for record in study.stimuli() if record.missing}


def _seen(
    study: "Study", codes: Sequence[str], names: Sequence[str], gone: Set[str]
) -> "tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]":
    """Images that are not gone, and the chosen comparisons and ratings of them."""
    images = study.images_frame()
    compared, rated = study.comparisons(coded=True), study.ratings(coded=True)
    images = _kept(images, ~images["image"].isin(gone))
    compared = _kept(compared, ~compared["left"].isin(gone) & ~compared["right"].isin(gone))
    rated = _kept(rated, ~rated["image"].isin(gone))
    compared, rated = (
        _kept(frame, frame["labeler"].isin(codes) & frame["attribute"].isin(names))
        for frame in (compared, rated)
    )
    return images, compared, rated


def _kept(frame: "pd.DataFrame", rows: "pd.Series[bool]") -> "pd.DataFrame":
    """Some rows of a frame; the frame itself where these are all, of which no copy is made."""
    return frame if rows.all() else frame[rows].reset_index(drop=True)


def _refuse_silence(
    codes: Sequence[str], names: Sequence[str], words: StimulusWords, *answers: "pd.DataFrame"
) -> None:
    """Raises: InputError: the chosen labelers said nothing about the chosen attributes."""
    if not any(len(frame) for frame in answers):
        whose = f" of {few(codes, 5)}" if codes else ""
        raise InputError(
            f"There are no answers{whose} on {few(names, 5)} to learn from; label some "
            f"{words.many} first."
        )


def _lost(config: TrainConfig, used: "pd.DataFrame", *answers: "pd.DataFrame") -> list[str]:
    """Sentences on who and what was chosen, or has answers, and yet is in no pair."""
    sentences = []
    for kind, chosen in (("labeler", config.labelers), ("attribute", config.attributes)):
        wanted = set(chosen or ()).union(*(frame[kind].unique() for frame in answers))
        if lacking := sorted(wanted - set(used[kind].unique())):
            sentences.append(
                f"No pairs to learn from for the {kind} {few(lacking, 5)}; the run leaves them out."
            )
    return sentences


def copy_snapshot(source: RunFolder, run: RunFolder) -> None:
    """Give a run the data of another, so that the two learn from the same.

    What the snapshot is comes last: a run whose process was killed meanwhile would else pass for
    one of these data, although it lacks a table.

    Raises:
        RunError: if the other run has no snapshot.
    """
    source.meta()
    for path in sorted(source.data.iterdir(), key=lambda path: (path.name == layout.META, path)):
        if layout.is_ours(f"{layout.DATA}/{path.name}"):
            copy(path, run.data / path.name)


def narrow_snapshot(
    source: RunFolder,
    run: RunFolder,
    labelers: Sequence[str],
    attributes: Sequence[str] | None = None,
) -> None:
    """Give a run the data of some of another's labelers, and of some attributes where these are
    named, every answer and image in the split that it has there."""
    meta, used = source.meta(), set(labelers)
    names = meta.names if attributes is None else tuple(attributes)
    tables = {name: source.table(name) for name in layout.TABLES}
    for name, frame in tables.items():
        if name != "images":
            kept = frame["labeler"].isin(used) & frame["attribute"].isin(names)
            tables[name] = frame[kept].reset_index(drop=True)
        _write(run, name, tables[name])
    for beside, file in (
        (run_tables.FACTS_FILE, layout.FACTS),
        (run_tables.TEXTS_FILE, layout.TEXTS),
    ):
        if layout.holds(source.path, beside):
            copy(source.data / file, run.data / file)
    update = {
        "labelers": tuple(labeler for labeler in meta.labelers if labeler.code in used),
        "attributes": tuple(each for each in meta.attributes if each.name in names),
        "counts": counts(tables["pairs"], labelers, names, len(tables["images"])),
    }
    _write_meta(run, meta.model_copy(update=update), tables)


def source_of(folder: Path, config: TrainConfig) -> RunFolder | None:
    """The run whose snapshot fits a configuration: the
    one in `folder`, if it asked for the same data."""
    if (
        read_json(folder / layout.CONFIG) is None
        or not (folder / layout.DATA / layout.META).is_file()
    ):
        return None
    run = RunFolder.open(folder)
    return run if _data_settings(run.config()) == _data_settings(config) else None


def with_machine_of(source: RunFolder, config: TrainConfig) -> TrainConfig:
    """Ask for the threads and the precision that another run
    had, without which results differ in their last bits."""
    had = source.environment()
    threads = config.threads or had.threads
    exact = had.precision or "auto" if config.precision == "auto" else config.precision
    return config.model_copy(update={"threads": threads, "precision": exact})


def counts(
    pairs: "pd.DataFrame", labelers: Sequence[str], attributes: Sequence[str], images: int
) -> Counts:
    """How much data there is."""
    split = pairs["split"].value_counts()
    return Counts(
        train=int(split.get("train", 0)),
        val=int(split.get("val", 0)),
        test=int(split.get("test", 0)),
        dropped=int(split.get("dropped", 0)),
        labelers=len(labelers),
        attributes=len(attributes),
        images=images,
    )


def _chosen(kind: str, wanted: Sequence[str] | None, known: Sequence[str]) -> list[str]:
    if wanted is None:
        return list(known)
    there, asked = set(known), set(wanted)
    unknown = [name for name in wanted if name not in there]
    if unknown:
        raise InputError(
            f"The study has no {kind} {', '.join(unknown)}; it has {', '.join(known)}."
        )
    return [name for name in known if name in asked]


def _describe(study: "Study", codes: Iterable[str], names: Iterable[str]) -> SnapshotMeta:
    """Who and what the snapshot speaks of, as far as a run must know it without the study."""
    labelers = {labeler.code: labeler for labeler in study.labelers()}
    attributes = {attribute.name: attribute for attribute in study.attributes()}
    return SnapshotMeta(
        study=study.info().name,
        simulated=any(labelers[code].simulated for code in codes),
        labelers=tuple(
            LabelerFacts(
                code=code, display_name=labelers[code].display_name, profile=labelers[code].profile
            )
            for code in codes
        ),
        attributes=tuple(
            AttributeFacts(
                name=name,
                question=attributes[name].question,
                templates=tuple(attributes[name].templates),
            )
            for name in names
        ),
    )


def _write_facts(study: "Study", run: RunFolder, images: Set[str]) -> str:
    """What the study knows about the images, and its SHA-256; nothing and "" if it knows none."""
    import pandas as pd

    known = [
        (fact.owner, fact.name, fact.value)
        for fact in study.facts()
        if fact.kind == "image" and fact.owner in images
    ]
    if not known:
        return ""
    frame = pd.DataFrame(sorted(known), columns=list(run_tables.FACTS), dtype="str")
    write_whole(run.data / layout.FACTS, lambda beside: frame.to_parquet(beside, index=False))
    return hashlib.sha256(json.dumps(sorted(known)).encode()).hexdigest()


def write_texts(run: RunFolder, texts: Mapping[str, Pair]) -> None:
    """Keep what is judged in a run, where it is texts.

    Args:
        run: whose images are texts' identities.
        texts: identity -> prompt or None, and text.
    """
    import pandas as pd

    rows = [(key, prompt or "", text) for key, (prompt, text) in texts.items()]
    frame = pd.DataFrame(rows, columns=list(run_tables.TEXTS), dtype="str")
    write_whole(run.data / layout.TEXTS, lambda beside: frame.to_parquet(beside, index=False))


def _write_meta(run: RunFolder, meta: SnapshotMeta, tables: Tables) -> None:
    named = meta.model_copy(update={"fingerprint": _fingerprint(meta, tables)})
    named.save(run.data / layout.META)


def _fingerprint(meta: SnapshotMeta, tables: Tables) -> str:
    """SHA-256 of what is learned from, whatever the order of the rows."""
    attributes = [attribute.dump() for attribute in meta.attributes]
    labelers = [(labeler.code, labeler.profile) for labeler in meta.labelers]
    digest = hashlib.sha256()
    digest.update(json.dumps([attributes, labelers, meta.embeddings_sha256]).encode())
    for name, columns in _LEARNED.items():
        frame = tables[name][list(columns)]
        order = _sorted_rows(frame)
        for start in range(0, max(len(order), 1), _LINES):
            rows = frame.take(order[start : start + _LINES])
            digest.update(rows.to_csv(index=False, header=not start).encode())
    return digest.hexdigest()


def _sorted_rows(frame: "pd.DataFrame") -> "NDArray[np.int64]":
    """The order of a frame's rows by its columns, the first counting most; blank text
    comes first, a blank number last."""
    import numpy as np

    order = np.arange(len(frame))
    for name in reversed(frame.columns):
        column = frame[name]
        text = is_coded(column) or column.dtype.kind not in "iuf"
        keys = codes_in(column)[0].astype(np.int32) if text else column.to_numpy()
        order = order[np.argsort(keys[order], kind="stable")]
    return order


def _data_settings(config: TrainConfig) -> tuple[object, ...]:
    return config.labelers, config.attributes, config.split, config.pairs


def _write(run: RunFolder, name: layout.Table, frame: "pd.DataFrame") -> None:
    write_whole(layout.table_file(run.path, name), partial(write_table, frame))
