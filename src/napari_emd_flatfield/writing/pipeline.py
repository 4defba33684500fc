"""Work done ahead in threads, handed out in order."""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

from ..lazy.limits import MOST_THREADS, core_count

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")

# Every thread holds frames.
_IN_FLIGHT = 128 * 2**20


def thread_count(nbytes: int) -> int:
    """How many threads to work in.

    Parameters
    ----------
    nbytes
        Bytes each of them holds. Few large results are worked on at a time, so
        that on any number of cores memory stays below that of eight frames; two
        are, so that one is made while another is written.
    """
    return min(core_count(), MOST_THREADS, max(2, _IN_FLIGHT // max(1, nbytes)))


def ahead(
    work: Callable[[_Item], _Result], items: Iterable[_Item], threads: int
) -> Generator[_Result]:
    """Call a function on each item in threads, a few items ahead.

    Close the iterator, or exhaust it, to end its threads: work not begun is
    dropped, work begun is waited for.

    Parameters
    ----------
    work
        What to do; it must be safe to do in several threads.
    items
        What to do it on.
    threads
        In how many.

    Yields
    ------
    object
        What `work` returned, in the order of `items`; an exception it raised is
        raised here.
    """
    pool = ThreadPoolExecutor(threads, thread_name_prefix="saving")
    begun: deque[Future[_Result]] = deque()
    try:
        for item in items:
            if len(begun) == threads:
                yield begun.popleft().result()
            begun.append(pool.submit(work, item))
        while begun:
            yield begun.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
