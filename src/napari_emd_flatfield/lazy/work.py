"""Arrays filled piece by piece, by whoever has time: helping threads, or who waits."""

from __future__ import annotations

import os
import threading
import weakref
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from .limits import MOST_THREADS, core_count
from .memory import FRAMES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import numpy as np


def thread_count() -> int:
    """How many threads to decode in: one a core this process may use."""
    return min(core_count(), MOST_THREADS)


class _Here(threading.local):
    unaided = False


_HERE = _Here()


@contextmanager
def unaided() -> Iterator[None]:
    """Do in this thread all that others would be asked to help with.

    For each of as many threads as there are cores: what they divided further would
    only be waited for.
    """
    before, _HERE.unaided = _HERE.unaided, True
    try:
        yield
    finally:
        _HERE.unaided = before


def is_unaided() -> bool:
    """Tell whether this thread does all by itself."""
    return _HERE.unaided


class Piece(Protocol):
    """Fills a part of an array when called."""

    def __call__(self) -> Sequence[Piece] | None:
        """Return what of it is left to be done, if anything."""


class Work:
    """An array to be filled.

    Parameters
    ----------
    array
        The array.
    pieces
        What fills it, each to be called once, in any order and thread.
    helpers
        Are asked for help with what pieces leave.
    """

    def __init__(
        self, array: np.ndarray, pieces: Iterable[Piece], helpers: Helpers | None = None
    ) -> None:
        # They end with the last file that is open, whoever still holds work.
        self._helpers = weakref.ref(helpers) if helpers else None
        self.nbytes = array.nbytes
        self._array = array
        self._pieces = deque(pieces)
        self._running = 0
        self._changed = threading.Condition()
        self._wanted = True
        self._error: BaseException | None = None

    @property
    def untouched(self) -> int:
        """How many pieces nobody has begun."""
        return len(self._pieces)

    def result(self) -> np.ndarray:
        """Return the array once it is full, doing what nobody has begun.

        Raises
        ------
        Exception
            What a piece raised. Nobody fills the array any more.
        """
        try:
            while self._step() or self._others_leave_more():
                pass
        except BaseException:
            self.settle()
            raise
        if self._error is not None:
            raise self._error
        return self._array

    def help(self) -> None:
        """Do pieces until none is left, or nobody wants the array."""
        while self._step(only_if_wanted=True):
            pass

    def drop(self) -> bool:
        """Have helpers leave it; return whether pieces of it are left undone.

        Whoever waits for the array still gets it.
        """
        self._wanted = False
        return bool(self._pieces)

    def settle(self) -> None:
        """Have helpers leave it, and wait until they have."""
        with self._changed:
            self.drop()
            self._changed.wait_for(lambda: not self._running)

    def _others_leave_more(self) -> bool:
        with self._changed:
            self._changed.wait_for(lambda: self._pieces or not self._running)
            return bool(self._pieces)

    def _step(self, only_if_wanted: bool = False) -> bool:
        with self._changed:
            if not self._pieces or (only_if_wanted and not self._wanted):
                return False
            piece = self._pieces.popleft()
            self._running += 1
        left: Sequence[Piece] = ()
        try:
            left = piece() or ()
        except BaseException as error:
            self._error = error
            raise
        finally:
            with self._changed:
                self._pieces.extend(left)
                self._running -= 1
                self._changed.notify_all()
        helpers = self._helpers() if left and self._helpers else None
        if helpers is not None:
            helpers.help(self, but=1)
        return True


class Helpers:
    """Threads that help; they end when the last holder of these lets go."""

    _current: weakref.ref[Helpers] | None = None
    _lock = threading.Lock()

    def __init__(self) -> None:
        self._threads = thread_count()
        self._executor = ThreadPoolExecutor(self._threads, "reading")
        weakref.finalize(self, _end, self._executor).atexit = False

    @classmethod
    def shared(cls) -> Helpers:
        """Return those all open files share."""
        with cls._lock:
            helpers = cls._current() if cls._current else None
            if helpers is None:
                helpers = cls()
                cls._current = weakref.ref(helpers)
            return helpers

    def help(self, work: Work, but: int = 0) -> None:
        """Have threads help with work as they become free.

        Parameters
        ----------
        work
            What to help with.
        but
            How many of its pieces the caller does itself, in as many threads.
        """
        if is_unaided():
            return
        for _ in range(min(work.untouched, self._threads) - but):
            self._executor.submit(work.help)


def _end(executor: ThreadPoolExecutor) -> None:
    executor.shutdown(wait=False)
    FRAMES.clear()  # no file is open


def _after_fork_in_child() -> None:
    # Threads do not survive a fork, and one of them may have held the lock.
    Helpers._lock = threading.Lock()
    Helpers._current = None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
