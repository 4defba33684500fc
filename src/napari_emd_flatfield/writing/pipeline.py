"""Work done ahead in threads, handed out in order."""

from __future__ import annotations

import threading
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import nullcontext
from typing import TYPE_CHECKING, Generic, TypeVar

from ..lazy.work import thread_count as most_threads
from ..lazy.work import unaided

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")

# Every thread holds frames.
_IN_FLIGHT = 128 * 2**20

# Of so few, the caller's is one: a third on two cores takes time from both. With more,
# who hands out results had better not keep the others waiting for one of its own.
_FEW = 2


def thread_count(nbytes: int) -> int:
    """How many threads to work in.

    Parameters
    ----------
    nbytes
        Bytes each of them holds. Few large results are worked on at a time, so
        that on any number of cores memory stays below that of eight frames; two
        are, so that one is made while another is written.
    """
    return min(most_threads(), max(2, _IN_FLIGHT // max(1, nbytes)))


def ahead(
    work: Callable[[_Item], _Result], items: Iterable[_Item], threads: int
) -> Generator[_Result]:
    """Call a function on each item in threads, a few items ahead.

    Close the iterator, or exhaust it, to end its threads: work not begun is
    dropped, work begun is waited for.

    Parameters
    ----------
    work
        What to do; it must be safe to do in several threads. In as many as are worth
        having, mostly one a core, none asks others for help with it.
    items
        What to do it on.
    threads
        In how many. One of two is the caller's, while it waits for a result.

    Yields
    ------
    object
        What `work` returned, in the order of `items`; an exception it raised is
        raised here.
    """
    caller_helps = threads == _FEW
    helped_or_not = unaided if threads >= most_threads() else nullcontext
    pool = ThreadPoolExecutor(threads - caller_helps, thread_name_prefix="saving")
    begun: deque[_Task[_Item, _Result]] = deque()

    def work_here(item: _Item) -> _Result:
        with helped_or_not():
            return work(item)

    def first() -> _Result:
        if caller_helps and not begun[0].result.done():
            any(task.do() for task in begun)
        return begun.popleft().result.result()

    try:
        for item in items:
            begun.append(_Task(work_here, item))
            pool.submit(begun[-1].do)
            if len(begun) > threads:
                yield first()
        while begun:
            yield first()
    finally:
        pool.shutdown(cancel_futures=True)


class _Task(Generic[_Item, _Result]):
    """Work on an item, done by whoever is the first to come to it."""

    def __init__(self, work: Callable[[_Item], _Result], item: _Item) -> None:
        self._work, self._item = work, item
        self._taken = threading.Lock()
        self.result: Future[_Result] = Future()

    def do(self) -> bool:
        """Do it, unless somebody does; return whether it was done here."""
        if not self._taken.acquire(blocking=False):
            return False
        try:
            self.result.set_result(self._work(self._item))
        except BaseException as error:  # noqa: BLE001 - raised where the result is due
            self.result.set_exception(error)
        return True
