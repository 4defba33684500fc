"""Rows of frames shared out among threads."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor, wait
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, TypeVar

from ..lazy.limits import core_count
from ..lazy.work import is_unaided

if TYPE_CHECKING:
    from collections.abc import Callable

Result = TypeVar("Result")

# A thread that gets less than this many pixels costs more than it saves.
_FEWEST_PIXELS = 2**16


def share_rows(
    work: Callable[[slice], Result], height: int, pixels: int
) -> list[Result]:
    """Do work on all rows, in as many threads as are worth it.

    Parameters
    ----------
    work
        Takes the rows it is to work on.
    height
        How many rows there are.
    pixels
        How many pixels they hold, all frames together.

    Returns
    -------
    list
        What each piece of the work returned, from the top down.
    """
    threads = max(1, min(core_count(), height, pixels // _FEWEST_PIXELS))
    if is_unaided():
        threads = 1
    edges = [height * i // threads for i in range(threads + 1)]
    pieces = [slice(a, b) for a, b in pairwise(edges)]
    others = [_pool().submit(work, piece) for piece in pieces[1:]]
    try:
        first = work(pieces[0])
    finally:
        wait(others)  # the memory they work on is their caller's
    return [first, *(other.result() for other in others)]


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(core_count(), thread_name_prefix="flatfield")


if hasattr(os, "register_at_fork"):
    # Threads do not survive a fork: the child needs a pool of its own.
    os.register_at_fork(after_in_child=_pool.cache_clear)
