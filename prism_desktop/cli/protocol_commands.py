"""`prism-desktop protocol`: how a study is labeled."""

from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from prism_desktop.cli.console import (
    Json,
    ask_secret,
    follow,
    in_time,
    out,
    say,
    write_file,
    write_json,
)
from prism_desktop.cli.study import open_existing
from prism_desktop.cli.study_import import StudyPath
from prism_desktop.engine.errors import InputError
from prism_desktop.engine.files import put_text
from prism_desktop.engine.grammar import counted, word_for
from prism_desktop.engine.plain_text import dated

if TYPE_CHECKING:
    from prism_desktop.engine.experiments.rehearsal import RehearsedLabeler
    from prism_desktop.engine.labeling.protocol import Protocol
    from prism_desktop.engine.stimulus_words import StimulusWords
    from prism_desktop.engine.study.records import ProtocolRecord
    from prism_desktop.engine.study.study_reader import StudyReader

app = typer.Typer(help="How a study is labeled: write, rehearse, follow.", no_args_is_help=True)


def register(commands: typer.Typer) -> None:
    """Add this module's group of commands."""
    commands.add_typer(app, name="protocol")


ProtocolFile = Annotated[Path, typer.Argument(help="The protocol, a TOML file.")]
Simulate = Annotated[
    bool, typer.Option("--simulate", help="Let simulated labelers go through it; nothing is kept.")
]


@app.command("new")
def new(
    file: Annotated[Path, typer.Argument(help="Where to write it, FILE.toml.", callback=in_time)],
    same_prompt: Annotated[
        bool,
        typer.Option("--same-prompt", help="Compare only texts that answer the same prompt."),
    ] = False,
) -> None:
    """Write a usual protocol to begin from."""
    from prism_desktop.engine.labeling.protocol import of_same_prompts, usual_protocol

    made = of_same_prompts(usual_protocol()) if same_prompt else usual_protocol()
    write_file(file, lambda path: put_text(path, made.toml()))
    say(f"Wrote {file}.")


@app.command("show")
def show(
    folder: StudyPath,
    version: Annotated[
        int | None, typer.Option(help="An earlier version; else the one that is followed.")
    ] = None,
    out_file: Annotated[
        Path | None, typer.Option("--out", help="Write it to this file.", callback=in_time)
    ] = None,
    json: Json = None,
) -> None:
    """Show the protocol of a study, and which versions there are."""
    with open_existing(folder, read_only=True) as study:
        versions = tuple(_given_away(each) for each in study.protocols())
        followed, sessions = study.protocol(), study.sessions()
    followed = None if followed is None else _given_away(followed)
    wanted = followed
    if version is not None:
        wanted = next((each for each in versions if each.version == version), None)
        if wanted is None:
            raise InputError(f"The study has no version {version} of a protocol.")
    used = {each.id: sum(s.protocol == each.id for s in sessions) for each in versions}
    if out_file is not None and wanted is not None:
        text = wanted.text
        write_file(out_file, lambda path: put_text(path, text))
        say(f"Wrote {out_file}.", json)
    write_json(
        {
            "followed": None if followed is None else followed.version,
            "shown": None if wanted is None else wanted.version,
            "text": None if wanted is None else wanted.text,
            "versions": [{**asdict(each), "sessions": used[each.id]} for each in versions],
        },
        json,
    )
    if wanted is None:
        say("The study follows no protocol; labelers choose their task.", json)
    elif out_file is None and json != "-":
        for line in wanted.text.splitlines():
            say(line)
    for each in versions:
        mark = ", followed" if followed is not None and each.id == followed.id else ""
        told = f"# version {each.version} of {dated(each.created, '%Y-%m-%d %H:%M')}"
        say(f"{told}, {counted(used[each.id], 'session')}{mark}", json)


@app.command("check")
def check(
    folder: StudyPath,
    file: ProtocolFile,
    simulate: Simulate = False,
    labelers: Annotated[int, typer.Option(min=1, max=100, help="Who are simulated.")] = 4,
    seed: Annotated[int, typer.Option(min=0, help="Of their answers.")] = 0,
    json: Json = None,
) -> None:
    """Say what of a protocol cannot be done in a study; exit code 2 if something cannot.

    With --simulate, what labelers would go through.
    """
    from prism_desktop.engine.labeling.protocol import read_protocol

    protocol = read_protocol(file)
    with open_existing(folder, read_only=True) as study:
        protocol, troubles = _for_study(protocol, study)
        value: dict[str, Any] = {"troubles": troubles, "protocol": protocol.without_pin().toml()}
        for sentence in troubles:
            say(sentence, json)
        if not troubles:
            say("The protocol can be followed.", json)
        if simulate and not troubles:
            value |= _rehearse(protocol, study, labelers, seed, json)
    write_json(value, json)
    if troubles:
        raise typer.Exit(2)


@app.command("set")
def set_(
    folder: StudyPath,
    file: ProtocolFile,
    pin: Annotated[
        bool,
        typer.Option("--pin", help="Ask for a PIN that leaves the full screen of labelers."),
    ] = False,
) -> None:
    """Follow a protocol in every session that begins from now on.

    A version never changes: what differs from the last one is a new version.
    """
    from prism_desktop.engine.labeling.protocol import read_protocol
    from prism_desktop.engine.labeling.protocol_session import surroundings

    protocol = read_protocol(file)
    if pin:
        protocol = protocol.with_pin(ask_secret("PIN"))
    with open_existing(folder) as study:
        protocol, troubles = _for_study(protocol, study)
        if troubles:
            raise InputError(f"{' '.join(troubles)} Nothing was changed.")
        surroundings(study, protocol)  # measures what tells similar faces, so that nobody waits
        study.put_protocol(protocol.toml())
        record = study.protocol()
        attributes = sum(each.confirmed for each in study.attributes())
    assert record is not None
    blocks = counted(len(protocol.blocks), "block")
    trials = sum(protocol.asked(attributes).values())
    say(f"Version {record.version} is followed: {blocks} of {counted(trials, 'trial')} in all.")


@app.command("off")
def off(folder: StudyPath) -> None:
    """Follow no protocol: labelers choose their task. The versions stay in the study."""
    with open_existing(folder) as study:
        study.drop_protocol()
    say("The study follows no protocol from now on.")


@app.command("bring")
def bring(
    folder: StudyPath,
    exported: Annotated[Path, typer.Argument(help="The folder “protocols” of an export.")],
) -> None:
    """Take over how an exported study was labeled: versions, and which session followed which.

    Import its answers first.
    """
    from prism_desktop.engine.labeling.exported_protocols import bring_protocols

    with open_existing(folder) as study:
        versions, sessions, passed = bring_protocols(study, exported)
    what = f"{counted(versions, 'version')} and {counted(sessions, 'session')}"
    say(f"Brought {what}; the newest version is followed from now on.")
    if passed:
        were = word_for(passed, "was", "were")
        say(f"{counted(passed, 'session')} {were} passed over: the study has no answers of theirs.")


@app.command("checks")
def checks(folder: StudyPath, json: Json = None) -> None:
    """How labelers did in practice and attention checks."""
    from rich.table import Table

    from prism_desktop.engine.labeling.attention_checks import attention

    with open_existing(folder, read_only=True) as study:
        found = attention(study)
    write_json([asdict(each) for each in found], json)
    if not found:
        say("Nobody had practice or attention checks with a known answer yet.", json)
    elif json != "-":
        table = Table("labeler", "practice right", "checks right", box=None)
        for each in found:
            practised = f"{each.practice_right} of {each.practice}" if each.practice else "none"
            checked = f"{each.checks_right} of {each.checks}" if each.checks else "none"
            table.add_row(each.labeler, practised, checked)
        out.print(table)


def _given_away(record: "ProtocolRecord") -> "ProtocolRecord":
    """A version as it is shown and written to files: without the hash of its PIN."""
    from prism_desktop.engine.study.exporting.protocol_files import without_lock

    return replace(record, text=without_lock(record.text))


def _for_study(protocol: "Protocol", study: "StudyReader") -> tuple["Protocol", tuple[str, ...]]:
    """The protocol with known faces of the study, and what of it cannot be done."""
    from prism_desktop.engine.labeling.protocol import troubles
    from prism_desktop.engine.study.embeddings import list_embeddings

    if protocol.lacks_known:
        from prism_desktop.engine.evaluation.quality.careful_faces import with_careful_faces

        protocol = with_careful_faces(protocol, study)
    sets = [each.name for each in list_embeddings(Path(study.path))]
    shown = study.attributes(), study.stimuli()
    return protocol, troubles(protocol, *shown, sets, study.words())


def _rehearse(
    protocol: "Protocol", study: "StudyReader", count: int, seed: int, json: str | None
) -> dict[str, Any]:
    from prism_desktop.engine.experiments.rehearsal import doubts, rehearse
    from prism_desktop.engine.labeling.protocol_session import surroundings

    found = follow(rehearse(protocol, surroundings(study, protocol), count, seed))
    asked = sum(each.confirmed for each in study.attributes())
    doubted = doubts(protocol, found, asked, study.words())
    if json != "-":
        _tell(found, study.words())
    for sentence in doubted:
        say(f"Doubt: {sentence}", json)
    return {"labelers": [asdict(each) for each in found], "doubts": doubted}


def _tell(found: "tuple[RehearsedLabeler, ...]", words: "StimulusWords") -> None:
    from rich.table import Table

    from prism_desktop.engine.experiments.rehearsal import told
    from prism_desktop.engine.labeling.protocol_words import REHEARSED, REHEARSED_MEANS

    table = Table(box=None, title="Rehearsal", pad_edge=False)
    table.add_column(REHEARSED[0], no_wrap=True)  # what makes room is the rest
    for head in REHEARSED[1:]:
        table.add_column(words.told(head), justify="right")
    for each in found:
        table.add_row(*told(each))
    out.print(table)
    say(words.told(REHEARSED_MEANS))
