"""What the labeler reads."""

from prism_desktop.engine.study.records import AttributeRecord, Kind

SKIP_REASONS = ("I know this person", "The image is bad", "I cannot judge this")


READY = ("Nothing of it was kept. From now on every answer counts.",)


def question(attribute: AttributeRecord, kind: Kind) -> str:
    """The question put for an attribute: the study's own
    wording where it has one that suits the task."""
    other = ("who ", "which ") if kind == "rating" else ("how ",)
    if attribute.question and not attribute.question.lower().startswith(other):
        return attribute.question
    if kind == "rating":
        return f"How {attribute.name} does this person look?"
    return f"Who looks more {attribute.name}?"


def task(kind: Kind) -> str:
    return "Rating" if kind == "rating" else "Comparison"


def progress(now: int, done: int, target: int, *, practice: bool) -> str:
    """How far the labeler is: trials judged in this sitting,
    in all sittings, and how many are asked for."""
    if practice:
        return f"{min(done + 1, target):,} of {target:,}"
    of = f"of {target:,}" if done <= target else "in all"
    return f"{now:,} now · {done:,} {of}"


def enough(target: int) -> tuple[str, ...]:
    """What is said when as many trials were done as are asked for."""
    return (
        f"You have judged all {target:,} that were asked for.",
        "You may go on: every further answer helps.",
    )


def instructions(kind: Kind) -> tuple[str, ...]:
    """What to do, in a few lines; keys are drawn beside them."""
    if kind == "rating":
        return (
            "You see one face at a time and rate it from 1 (very low) to 4 (very high) for each "
            "question.",
            "Go by your first impression; there are no right answers.",
            "A few faces come back later, so that we learn how steady an impression is.",
        )
    return (
        "You see two faces and choose the one for whom the question holds more; a tie only if you "
        "see no difference.",
        "Go by your first impression; there are no right answers.",
        "A few pairs come back later, so that we learn how steady an impression is.",
    )
