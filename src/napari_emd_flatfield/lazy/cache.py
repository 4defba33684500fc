"""Decoded blocks kept, up to one number of bytes for the whole process."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

from .memory import FRAMES

if TYPE_CHECKING:
    import numpy as np

    from .work import Work

Key = tuple[Any, ...]

_SHARE = 4


class Cache:
    """Work by key, done or not; what was used longest ago goes first.

    Parameters
    ----------
    limit
        How many bytes of arrays it may hold.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._nbytes = 0
        self._kept: OrderedDict[Key, Work] = OrderedDict()
        # A finalizer may drop a file's work while this very thread holds it.
        self._lock = threading.RLock()

    @property
    def limit(self) -> int:
        """How many bytes of arrays it may hold."""
        return self._limit

    @limit.setter
    def limit(self, nbytes: int) -> None:
        with self._lock:
            is_less, self._limit = nbytes < self._limit, nbytes
            self._shrink()
        if is_less:
            FRAMES.clear()  # the memory of what had to go

    @property
    def share(self) -> int:
        """How many bytes a read, or what is read ahead of one, may take of it.

        Several signals have room in it.
        """
        return self._limit // _SHARE

    @property
    def nbytes(self) -> int:
        """How many bytes of arrays it holds."""
        return self._nbytes

    def get(self, key: Key) -> Work | None:
        """Return what is kept, if it is.

        Parameters
        ----------
        key
            Under which it was added.
        """
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def make_room(self, nbytes: int) -> None:
        """Forget what would have to go for more: its memory can be used for that.

        Parameters
        ----------
        nbytes
            How much is going to be added.
        """
        with self._lock:
            self._shrink(nbytes)

    def take(self, key: Key) -> Work | None:
        """Return what is kept, if it is, and forget it: nobody else will get it.

        Parameters
        ----------
        key
            Under which it was added.
        """
        with self._lock:
            work = self._kept.pop(key, None)
            if work is not None:
                self._nbytes -= work.nbytes
            return work

    def add(self, key: Key, work: Work) -> Work:
        """Keep work; return it, or what another thread added in the meantime.

        Parameters
        ----------
        key
            Hashable; its first item is what `drop` goes by.
        work
            What to keep.
        """
        with self._lock:
            kept = self._kept.setdefault(key, work)
            if kept is work:
                self._nbytes += work.nbytes
                self._shrink()
            return kept

    def finish(self, key: Key, work: Work) -> np.ndarray:
        """Return the array of work once it is full; what fails is not kept.

        Parameters
        ----------
        key
            Under which it was added, if it was.
        work
            The work.

        Raises
        ------
        Exception
            What a piece of it raised.
        """
        try:
            return work.result()
        except BaseException:
            self.discard(key)
            raise

    def discard(self, key: Key) -> None:
        """Forget what is kept under a key, if anything.

        Parameters
        ----------
        key
            Under which it was added.
        """
        self.take(key)

    def drop(self, owner: Any) -> list[Work]:
        """Forget, and return, all whose keys begin with one item.

        Parameters
        ----------
        owner
            The item.
        """
        with self._lock:
            keys = [key for key in self._kept if key[0] == owner]
            works = [self._kept[key] for key in keys]
            for key in keys:
                self.discard(key)
            return works

    def clear(self) -> list[Work]:
        """Forget, and return, all."""
        with self._lock:
            works = [*self._kept.values()]
            self._kept.clear()
            self._nbytes = 0
            return works

    def _shrink(self, more: int = 0) -> None:
        while self._kept and self._nbytes + more > self._limit:
            _, work = self._kept.popitem(last=False)
            self._nbytes -= work.nbytes
            work.drop()  # helpers had better do what is still kept


# What all files of this process share.
CACHE = Cache(512 * 10**6)

if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=CACHE._lock.acquire,
        after_in_parent=CACHE._lock.release,
        after_in_child=CACHE._lock.release,
    )
