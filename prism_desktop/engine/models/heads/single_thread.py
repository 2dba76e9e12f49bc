"""One thread for many small matrices: on a busy machine threads
that wait for one another cost many times the work."""

from contextlib import AbstractContextManager
from functools import cache

import numpy as np  # noqa: F401 - its linear algebra must be loaded before it is looked for
import scipy.linalg  # noqa: F401 - so must this
from threadpoolctl import ThreadpoolController


def one_thread() -> AbstractContextManager[object]:
    """Linear algebra of this process, in one thread while it lasts.

    Never hold it over a `yield`.
    """
    limited: AbstractContextManager[object] = _controller().limit(limits=1, user_api="blas")
    return limited


@cache
def _controller() -> ThreadpoolController:
    return ThreadpoolController()
