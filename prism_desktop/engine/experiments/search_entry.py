"""What runs in a job of a search: its share of the trials.

    python -m prism_desktop.engine.experiments.search_entry FOLDER...

Each folder holds share.json; of several, as an array of jobs is given them, the one at the job's
own place. A trial at work when the job is told to end is tried again by the search's next call.
"""

import argparse
import contextlib
import os
import sys
from pathlib import Path
from typing import NoReturn

from prism_desktop.engine.processes.job_entry import JobEndedError, hear, own_place
from prism_desktop.engine.runs.status import State


def main() -> NoReturn:
    """Try the settings of this job."""
    hear()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", type=Path, nargs="+")
    sys.exit(try_share(own_place(parser.parse_args().folders)))


def try_share(path: Path) -> int:
    """Try a job's share of the trials; returns the exit code."""
    from prism_desktop.engine.errors import PrismError
    from prism_desktop.engine.events import Notice
    from prism_desktop.engine.experiments.search_trials import SearchShare, run_trials, search_of
    from prism_desktop.engine.faults import fault_of
    from prism_desktop.engine.runs.folder import RunFolder
    from prism_desktop.engine.runs.heartbeat import beating

    job = RunFolder(path)
    state: State = "failed"
    try:
        share, search = SearchShare.of(job), search_of(job)
        job.set_status("training", pid=os.getpid())
        with beating(job), contextlib.closing(run_trials(search, share)) as events:
            for event in events:
                if isinstance(event, Notice):
                    print(event.text, flush=True)
        state = "finished"
    except JobEndedError as order:
        state = "interrupted"
        return 128 + order.number
    except (OSError, PrismError) as error:
        print(fault_of(error) or error, file=sys.stderr, flush=True)
        return 1
    finally:
        with contextlib.suppress(OSError, PrismError):  # the folder may be gone
            job.set_status(state)
    return 0


if __name__ == "__main__":
    main()
