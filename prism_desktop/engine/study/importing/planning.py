"""From drafts to trials: rows of one presentation
joined, identities kept or made, repeats found."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

from prism_desktop.engine.study.importing.drafts import Draft, Ledger
from prism_desktop.engine.study.records import ImageId, Source, Status, TrialId, TrialRecord

_HEX = frozenset("0123456789abcdef")


def is_id(words: str) -> bool:
    """Whether text is an identifier as this program makes them."""
    return len(words) == 32 and _HEX.issuperset(words)


def group(drafts: Sequence[Draft], ledger: Ledger) -> list[Draft]:
    """Join the rows of tidy tables that belong to one presentation.

    Rows with a trial's name belong together; otherwise rows of one labeler on the same images that
    agree in session, order and onset, until an attribute comes again.
    """
    joined: list[Draft] = []
    opened: dict[tuple[object, ...], Draft] = {}
    for draft in drafts:
        first = opened.get(_key(draft)) if draft.tidy else None
        if first is not None and _refused(draft, first, ledger):
            continue
        if first is None or first.answers.keys() & draft.answers.keys():
            joined.append(draft)
            if draft.tidy:
                opened[_key(draft)] = draft
        else:
            first.answers.update(draft.answers)
            first.raw.update(draft.raw)
            first.places += draft.places
    return joined


def _key(draft: Draft) -> tuple[object, ...]:
    facts = draft.facts
    if is_id(facts.trial):
        return (facts.trial,)
    return (
        draft.kind,
        draft.labeler,
        draft.images,
        facts.session,
        facts.trial,
        facts.order,
        facts.onset,
    )


def _refused(draft: Draft, first: Draft, ledger: Ledger) -> bool:
    """Refuse a row that contradicts the first row of its trial."""
    if not draft.facts.trial:
        return False
    row = first.places[0][1]
    if (draft.kind, draft.labeler, draft.images) != (first.kind, first.labeler, first.images):
        ledger.refuse_draft(
            draft, f"names another labeler or image than row {row} of the same trial"
        )
        return True
    if twice := first.answers.keys() & draft.answers.keys():
        ledger.refuse_draft(
            draft, f"answers {twice.pop()} again, as row {row} of the same trial does"
        )
        return True
    return False


@dataclass(slots=True)
class Planner:
    """Makes trials of drafts.

    Attributes:
        import_id: names made from the file's own are drawn from it, so that they cannot meet
            another import's.
        known: the study's trials -> their labelers.
        sessions: session -> its labeler, in the study and in this import.
    """

    import_id: str
    known: Mapping[TrialId, str]
    sessions: dict[str, str]
    ledger: Ledger
    _orders: dict[str, int] = field(default_factory=dict)
    _ids: dict[TrialId, str] = field(default_factory=dict)  # of this import -> labeler
    _judged: dict[tuple[object, ...], TrialId] = field(default_factory=dict)
    _lost: int = 0
    _again: int = 0

    def plan(self, drafts: Sequence[Draft]) -> list[TrialRecord]:
        """Turn drafts into trials, leaving out those that the study has already."""
        named = [(draft, self._identify(draft)) for draft in drafts]
        kept = [(draft, name) for draft, name in named if name is not None]
        self._ids = {name: draft.labeler for draft, name in kept}
        if all(draft.exported for draft, _ in kept):
            kept.sort(key=lambda pair: pair[0].facts.number or 0)
        trials = [self._trial(draft, name) for draft, name in kept]
        if self._lost:
            self.ledger.notices.append(
                f"{self._lost} trials say that they repeat or are corrected by trials that the "
                "files do not hold; what they repeat was left open, and corrected ones are kept "
                "as withdrawn."
            )
        if self._again:
            self.ledger.notices.append(
                f"{self._again} rows judge what an earlier row of the same labeler judges; all are "
                "kept, but not taken for repeats of a design, since no column tells one "
                "presentation from another."
            )
        return self._uniquely_superseded(trials)

    def _identify(self, draft: Draft) -> TrialId | None:
        """The trial's id, None if it is refused."""
        if not draft.answers and draft.facts.status == "answered":
            return None  # its rows were refused already
        if draft.answers and draft.facts.status == "skipped":
            self.ledger.refuse_draft(draft, "is marked as skipped and holds an answer")
            return None
        name = self._named(draft, draft.facts.trial) if draft.facts.trial else uuid.uuid4().hex
        if name in self.known:
            self.ledger.refuse_draft(draft, "is in the study already")
            self.ledger.duplicates += len(draft.places)
            return None
        if name in self._ids:
            if is_id(draft.facts.trial):
                self.ledger.refuse_draft(
                    draft, "has the same trial as an earlier row and another kind or labeler"
                )
                return None
            name = uuid.uuid4().hex
        self._ids[name] = draft.labeler
        return name

    def _named(self, draft: Draft, words: str) -> TrialId:
        if is_id(words):
            return words
        return self._made("trial", draft.kind, draft.labeler, draft.facts.session, words)

    def _made(self, *words: str) -> str:
        return uuid.uuid5(uuid.UUID(self.import_id), "\0".join(words)).hex

    def _trial(self, draft: Draft, name: TrialId) -> TrialRecord:
        """The record that a draft becomes.

        A correction that did not come along, or is another labeler's, cannot be referred to; the
        corrected trial still does not count, so it is kept as withdrawn.
        """
        facts = draft.facts
        session = self._session(draft)
        superseded_by = self._named(draft, facts.superseded_by) if facts.superseded_by else None
        status = facts.status
        if superseded_by is not None and (
            superseded_by == name or self._ids.get(superseded_by) != draft.labeler
        ):
            superseded_by, status, self._lost = None, "withdrawn", self._lost + 1
        return TrialRecord(
            id=name,
            labeler=draft.labeler,
            session=session,
            order=self._order(session, facts.order),
            kind=draft.kind,
            left=draft.images[0],
            right=draft.images[1] if len(draft.images) > 1 else None,
            onset=facts.onset,
            seconds=facts.seconds,
            status=cast(Status, status),
            skip_reason=facts.skip_reason,
            answers=cast("dict[str, int | str]", draft.answers),
            raw=draft.raw,
            superseded_by=superseded_by,
            repeat_of=self._repeat_of(draft, name),
            source=cast(Source, facts.source),
            probability=facts.probability,
            dropped_frames=facts.dropped_frames,
        )

    def _session(self, draft: Draft) -> str:
        words = draft.facts.session
        if not is_id(words) or self.sessions.get(words, draft.labeler) != draft.labeler:
            words = self._made("session", draft.labeler, words)
        self.sessions[words] = draft.labeler
        return words

    def _order(self, session: str, given: int | None) -> int:
        order = self._orders.get(session, 0) if given is None else given
        self._orders[session] = order + 1
        return order

    def _repeat_of(self, draft: Draft, name: TrialId) -> TrialId | None:
        """The trial that this one repeats: the one that the file names, in our own exports no
        other.

        In other files a second answer on the same images is a repeat if its row tells a trial from
        a copy of one; else it is only counted, for a notice.
        """
        if draft.facts.repeat_of:
            repeated = self._named(draft, draft.facts.repeat_of)
            owner = self._ids.get(repeated) or self.known.get(repeated)
            if owner == draft.labeler and repeated != name:
                return repeated
            self._lost += 1
            return None
        if draft.exported:
            return None
        pair: frozenset[ImageId] = frozenset(draft.images)
        keys = [(draft.kind, draft.labeler, pair, attribute) for attribute in draft.answers]
        found = next((self._judged[key] for key in keys if key in self._judged), None)
        for key in keys:
            self._judged.setdefault(key, name)
        self._again += found is not None and not draft.telling
        return found if draft.telling else None

    def _uniquely_superseded(self, trials: Sequence[TrialRecord]) -> list[TrialRecord]:
        """A trial corrects one other at most.

        A second one that it is said to correct is kept as withdrawn.
        """
        from dataclasses import replace

        seen: set[TrialId] = set()
        result = []
        for trial in trials:
            if trial.superseded_by in seen:
                trial = replace(trial, superseded_by=None, status="withdrawn")
            if trial.superseded_by is not None:
                seen.add(trial.superseded_by)
            result.append(trial)
        return result
