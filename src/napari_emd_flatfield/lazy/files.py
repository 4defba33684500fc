"""Read handles on HDF5 files, shared and released without anyone's care.

A reader has no say in when napari drops a layer, so a handle lives as long as
the arrays that read through it: it is opened on first use and closed when the
last of them is collected. Files are opened read-only with HDF5's file locking
off, so that looking at a file never blocks the program that writes it.
"""

from __future__ import annotations

import os
import threading
import weakref
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from ..errors import ReadError
from .following import following, opened
from .opening import Identity, Version, identity_of, open_hdf5, version_of
from .superblock import superblock

if TYPE_CHECKING:
    from collections.abc import Iterator

    import h5py

# Datasets kept open between reads, each with such a cache: a series may be
# thousands of datasets, of which a cache serves only the last few.
_DATASETS_KEPT = 8


class SharedFile:
    """One read handle on an HDF5 file; get it with `SharedFile.of`.

    Parameters
    ----------
    path
        An HDF5 file.
    follow_external
        Whether to read from any other file it leads to, not only from those in
        its folder and below.
    """

    _registry: ClassVar[
        weakref.WeakValueDictionary[tuple[str, Identity, bool], SharedFile]
    ] = weakref.WeakValueDictionary()
    _registry_lock = threading.Lock()

    def __init__(self, path: Path, follow_external: bool = False) -> None:
        self.path = path
        self.follow_external = follow_external
        self._identity = identity_of(path)
        self._version: Version | None = None
        self._lock = threading.RLock()
        self._open: list[h5py.File] = []
        self._datasets: dict[str, h5py.Dataset] = {}
        weakref.finalize(self, _close_all, self._open)

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
        key = (str(resolved), identity_of(resolved), follow_external)
        with cls._registry_lock:
            shared = cls._registry.get(key)
            if shared is None:
                shared = cls._registry[key] = cls(resolved, follow_external)
        shared._refresh()
        return shared

    def _refresh(self) -> None:
        # HDF5 never looks again at what it has read: neither through this handle
        # nor through another in this process, as long as this one is open.
        with self._lock:
            if not self._open or self._version is None:
                return
            try:
                version, is_same = version_of(self.path), identity_of(self.path)
            except OSError:
                return  # what was deleted can still be read
            if version == self._version or is_same != self._identity:
                return
            # One that is being written cannot always be opened; what was there
            # before still is, as long as it grows.
            grew = version[1] >= self._version[1]
            if not (grew and superblock(self.path).is_marked):
                self.close()

    @contextmanager
    def held(self) -> Iterator[h5py.File]:
        """Keep the handle open for a while; who wants to close it waits.

        Yields
        ------
        h5py.File
            As `handle` returns it.
        """
        with self._lock:
            yield self.handle()

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
                if identity_of(self.path) != self._identity:
                    raise ReadError(
                        f"{self.path} was replaced by another file since it was "
                        "opened; open it again to see what is in it now"
                    )
                self._version = version_of(self.path)
                self._open.append(open_hdf5(self.path))
            return self._open[0]

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
        with following(self.follow_external):
            return opened(self.handle(), name)

    def read(self, name: str, slices: tuple[slice, ...]) -> Any:
        """Read a block of a dataset.

        Parameters
        ----------
        name
            HDF5 path of the dataset.
        slices
            One normalised slice an axis.
        """
        with self._lock:
            self._refresh()
            # HDF5's chunk cache dies with the dataset object that owns it
            # (https://github.com/h5py/h5py/issues/1960).
            dataset = self._datasets.pop(name, None) or self.node(name)
            self._datasets[name] = dataset
            if len(self._datasets) > _DATASETS_KEPT:
                del self._datasets[next(iter(self._datasets))]
            return dataset[slices]

    def close(self) -> None:
        """Close the handle; the next read opens it again."""
        with self._lock:
            self._datasets.clear()
            _close_all(self._open)


def _close_all(handles: list[h5py.File]) -> None:
    while handles:
        handles.pop().close()


_forking: list[SharedFile] = []


def _before_fork() -> None:
    """Leave a child no handle: it would share the position in the file.

    Parent and child read at that position, so either would get bytes the other
    asked for. Each opens the file anew instead, with its next read.
    """
    SharedFile._registry_lock.acquire()
    _forking.extend(SharedFile._registry.values())
    for file in _forking:
        file._lock.acquire()
        file.close()


def _after_fork() -> None:
    while _forking:
        _forking.pop()._lock.release()
    SharedFile._registry_lock.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_before_fork,
        after_in_parent=_after_fork,
        after_in_child=_after_fork,
    )
