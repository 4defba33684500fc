"""Read handles on HDF5 files, shared and released without anyone's care.

A reader has no say in when napari drops a layer, so a handle lives as long as
the arrays that read through it: it is opened on first use and closed when the
last of them is collected. Files are opened read-only with HDF5's file locking
off, so that looking at a file never blocks the program that writes it.
"""

from __future__ import annotations

import threading
import weakref
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from h5py._objects import phil

from ..errors import ReadError
from . import others
from .cache import CACHE
from .descriptor import Descriptor
from .objects import Objects
from .opening import open_hdf5
from .status import Status, reached
from .superblock import superblock
from .work import Helpers

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator

    import h5py
    import numpy as np

_Seen = TypeVar("_Seen")


class SharedFile:
    """One read handle on an HDF5 file; get it with `SharedFile.of`.

    Parameters
    ----------
    path
        An HDF5 file.
    follow_external
        Whether to read from any other file it leads to, not only from those in
        its folder and below.

    Attributes
    ----------
    openings
        How often it was opened so far.
    """

    _registry: ClassVar[
        weakref.WeakValueDictionary[tuple[str, tuple[int, int], bool], SharedFile]
    ] = weakref.WeakValueDictionary()
    _registry_lock = threading.Lock()

    def __init__(self, path: Path, follow_external: bool = False) -> None:
        self.path = path
        self._where = str(path)
        self.follow_external = follow_external
        self._identity = reached(path).identity
        self._status: Status | None = None
        self.openings = 0
        self._lock = threading.RLock()
        self._holder: int | None = None
        self._open: list[h5py.File] = []
        self._objects = Objects(follow_external)
        self._descriptor: Descriptor | None = None
        self._helpers: Helpers | None = None
        # Under which blocks of this file are cached.
        self.token = object()
        weakref.finalize(self, _close_all, self._open)
        weakref.finalize(self, CACHE.drop, self.token).atexit = False

    @classmethod
    def of(
        cls, path: str | os.PathLike[str], follow_external: bool = False
    ) -> SharedFile:
        """Return the handle all arrays on this file share.

        A file that has since been replaced by another of the same name gets a
        handle of its own: arrays on the old one keep showing the old content.
        One that was written to in place is opened anew, for all of them.

        Parameters
        ----------
        path
            An HDF5 file.
        follow_external
            As for the class.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        """
        resolved = Path(path).resolve()
        key = (str(resolved), reached(resolved).identity, follow_external)
        with cls._registry_lock:
            shared = cls._registry.get(key)
            if shared is None:
                shared = cls._registry[key] = cls(resolved, follow_external)
        shared.refresh()
        return shared

    def refresh(self) -> Status | None:
        """Close the handle if the file was written to since it was opened.

        Returns
        -------
        Status or None
            Of the file as it is now; None if its name is gone, or another's.
        """
        now = Status.if_there(self._where)
        if now is None or now.identity != self._identity:
            return None  # what was deleted can still be read
        # HDF5 never looks again at what it has read: neither through this handle
        # nor through another in this process, as long as this one is open.
        with self._lock:
            stale = self._is_stale(now)
        if stale:
            self.close()
        return now

    def _is_stale(self, now: Status) -> bool:
        before = self._status
        if not self._open or before is None or now == before:
            return False
        # One that is being written cannot always be opened; what was there before
        # still is, as long as it grows.
        return now.size < before.size or not superblock(self.path).is_marked

    @contextmanager
    def held(self) -> Iterator[h5py.File]:
        """Keep the handle open for a while; who wants to close it waits.

        Read no lazy array meanwhile: it may wait for threads that wait for the file.

        Yields
        ------
        h5py.File
            As `handle` returns it.
        """
        with self._lock:
            before, self._holder = self._holder, threading.get_ident()
            try:
                yield self.handle()
            finally:
                self._holder = before

    @property
    def is_held_here(self) -> bool:
        """Whether this thread keeps it open: threads that help to read would wait."""
        return self._holder == threading.get_ident()

    def node(self, name: str) -> Any:
        """Open an object, if all that it shows may be followed.

        Parameters
        ----------
        name
            Its HDF5 path.

        Raises
        ------
        ReadError
            If it shows data of a file that may not be followed.
        """
        with self._lock:
            return self._objects.open(self.handle(), name)

    def handle(self) -> h5py.File:
        """Return the open `h5py.File`, opening it if need be.

        Raises
        ------
        FileOpenError
            If it is not a readable HDF5 file.
        ReadError
            If the file was replaced since it was first opened.
        """
        with self._lock:
            if not self._open:
                status = self._reached()
                opened = open_hdf5(self.path)
                try:
                    # Now, as the path may come to stand for another file.
                    descriptor = Descriptor(self.path)
                    self._reached()
                except BaseException:
                    opened.close()
                    raise
                self._status, self._descriptor = status, descriptor
                self._open.append(opened)
                self.openings += 1
            return self._open[0]

    def _reached(self) -> Status:
        status = reached(self.path)
        if status.identity != self._identity:
            raise ReadError(
                f"{self.path} was replaced by another file since it was opened; open "
                "it again to see what is in it now"
            )
        return status

    def opening(self) -> tuple[int, Status]:
        """Look at the file, and open it anew if it was written to since.

        Returns
        -------
        int
            How often it was opened: what was learnt of it before may be old.
        Status
            Tells it from what it is once it was written to.
        """
        now = self.refresh()
        with self._lock:
            self.handle()
            return self.openings, now or self.status()

    def look(self, name: str, at: Callable[[Any], _Seen]) -> _Seen:
        """Return what a function makes of what stands under a name, if anything.

        Parameters
        ----------
        name
            HDF5 path.
        at
            Called while the file cannot be closed.
        """
        with self._lock:
            try:
                return at(self.node(name))
            except KeyError:
                return at(None)

    def read(
        self, name: str, slices: tuple[slice, ...], out: np.ndarray | None = None
    ) -> Any:
        """Read a block of a dataset.

        Parameters
        ----------
        name
            HDF5 path of the dataset.
        slices
            One normalised slice an axis.
        out
            Where it goes if it is of that shape and of the dtype of the dataset.
        """
        with self._lock:
            dataset = self._objects.dataset(self.handle(), name)
            if out is None or not _fits(out, dataset, slices):
                return dataset[slices]
            dataset.read_direct(out, slices)
            return out

    def chunk(
        self, name: str, origin: tuple[int, ...], out: np.ndarray
    ) -> tuple[int, memoryview] | None:
        """Read a chunk of a dataset as it is stored.

        Parameters
        ----------
        name
            HDF5 path of the dataset.
        origin
            Where in the dataset the chunk begins.
        out
            What to read it into, uint8, shape (n,).

        Returns
        -------
        tuple of int and memoryview, or None
            Filter mask and as much of `out` as it takes; None if it is not stored.

        Raises
        ------
        ValueError
            If `out` is too small.
        """
        # h5py before 3.16 did not take its own lock to read a chunk.
        with self._lock, phil:
            dataset = self._objects.dataset(self.handle(), name).id
            try:
                mask, stored = dataset.read_direct_chunk(origin, out=out)
            except (OSError, RuntimeError):
                return None
        return mask, stored

    def descriptor(self) -> Descriptor:
        """Return a descriptor that does not close while it is held."""
        with self._lock:
            self.handle()
            assert self._descriptor is not None
            return self._descriptor

    def status(self) -> Status:
        """Tell the file from what it is once it was written to."""
        return self.descriptor().status()

    def helpers(self) -> Helpers:
        """Return the threads that help to read, held until the file is closed."""
        with self._lock:
            if self._helpers is None:
                self.handle()
                self._helpers = Helpers.shared()
            return self._helpers

    def close(self) -> None:
        """Close the handle; the next read opens it again."""
        self._settle()
        with self._lock:
            self._shut()

    @classmethod
    def close_all(cls) -> None:
        """Close all handles: HDF5 shares what it knows of files they link to."""
        with cls._registry_lock:
            files = list(cls._registry.values())
        for file in files:
            file.close()
        others.forget()

    def _settle(self) -> None:
        # Threads that read ahead take the lock: it must be free to wait for them.
        for work in CACHE.drop(self.token):
            work.settle()

    def _shut(self) -> None:
        self._objects.clear()
        self._descriptor = self._helpers = None
        _close_all(self._open)


def _fits(out: np.ndarray, dataset: h5py.Dataset, slices: tuple[slice, ...]) -> bool:
    """Whether what is read has the dtype and shape it had when it was opened."""
    if dataset.dtype != out.dtype or dataset.ndim != len(slices):
        return False
    return all(s.stop <= n for s, n in zip(slices, dataset.shape, strict=True))


def _close_all(handles: list[h5py.File]) -> None:
    while handles:
        handles.pop().close()
