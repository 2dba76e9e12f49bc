"""The trials of a search, as Optuna's journal on disk keeps them for several processes."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from prism_desktop.engine.config import TrainConfig
from prism_desktop.engine.methods.ranges import Choices, Ranges
from prism_desktop.engine.runs import layout

if TYPE_CHECKING:
    import optuna

# attribute of a trial that failed by itself, and so counts, rather than with its process
COUNTED = "why"


def open_storage(path: Path) -> "optuna.Study":
    """The trials of a search, by whichever process."""
    import optuna
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    journal = str(path / layout.JOURNAL)
    backend = JournalFileBackend(journal, lock_obj=JournalFileOpenLock(journal))
    return optuna.create_study(
        storage=JournalStorage(backend), study_name=path.name, load_if_exists=True
    )


def suggest(trial: "optuna.Trial", wanted: Ranges) -> dict[str, Any]:
    """One value of every searched setting."""
    values: dict[str, Any] = {}
    for key, one in wanted.items():
        if isinstance(one, Choices):
            values[key] = trial.suggest_categorical(key, one.values)
        elif one.whole:
            values[key] = trial.suggest_int(key, int(one.low), int(one.high), log=one.log)
        else:
            values[key] = trial.suggest_float(key, one.low, one.high, log=one.log)
    return values


def make_ready(trials: "optuna.Study", config: TrainConfig, wanted: Ranges) -> None:
    """Make room after a search that was cut off, and ask for the method's own settings first."""
    from optuna.trial import TrialState

    for trial in trials.get_trials(states=(TrialState.RUNNING,)):
        trials.tell(trial.number, state=TrialState.FAIL)
        trials.enqueue_trial(trial.params, user_attrs=trial.user_attrs)
    if not trials.trials:
        trials.enqueue_trial(_start(config, wanted), user_attrs={"start": True})


def _start(config: TrainConfig, wanted: Ranges) -> dict[str, Any]:
    """The values that the method comes with, as far as they lie in their ranges."""
    values: dict[str, Any] = {}
    for key, one in wanted.items():
        value: Any = config
        for part in key.split("."):
            value = getattr(value, part)
        inside = (
            value in one.values
            if isinstance(one, Choices)
            else value is not None and one.low <= value <= one.high
        )
        if inside:
            values[key] = value
    return values


def counted(trials: "optuna.Study") -> list[Any]:
    """Trials that came to an end of their own."""
    return [
        t
        for t in trials.trials
        if t.state.name in ("COMPLETE", "PRUNED") or COUNTED in t.user_attrs
    ]
