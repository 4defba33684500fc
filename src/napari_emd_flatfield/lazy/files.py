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
from pathlib import Path
from typing import Any, ClassVar

import h5py
import hdf5plugin  # noqa: F401 - importing it registers its filters with HDF5

from ..errors import FileOpenError, ReadError
from .following import following, opened
from .superblock import superblock

# HDF5's own chunk cache, per dataset: enough for neighbouring frames of a stack
# whose chunks span several of them.
_CHUNK_CACHE_BYTES = 32 * 2**20

# Datasets kept open between reads, each with such a cache: a series may be
# thousands of datasets, of which a cache serves only the last few.
_DATASETS_KEPT = 8

# HDF5 makes all handles of one process on one file agree on locking and on
# read-only, unless they use different drivers. With stdio a script can open the
# file its signals come from as it likes, even to write; it is as fast as the
# default driver, but on Windows it cannot open names that are not ASCII.
_DRIVER = None if os.name == "nt" else "stdio"

_Identity = tuple[int, int]
_Version = tuple[int, int]


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
        weakref.WeakValueDictionary[tuple[str, _Identity, bool], SharedFile]
    ] = weakref.WeakValueDictionary()
    _registry_lock = threading.Lock()

    def __init__(self, path: Path, follow_external: bool = False) -> None:
        self.path = path
        self.follow_external = follow_external
        self._identity = _identity(path)
        self._version: _Version | None = None
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
        key = (str(resolved), _identity(resolved), follow_external)
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
            if self._open and self._version != _version(self.path):
                self.close()

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
                if _identity(self.path) != self._identity:
                    raise ReadError(
                        f"{self.path} was replaced by another file since it was "
                        "opened; open it again to see what is in it now"
                    )
                self._version = _version(self.path)
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


def open_hdf5(path: Path) -> h5py.File:
    """Open a file for reading without locking it.

    Parameters
    ----------
    path
        The file.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    FileOpenError
        If it is a directory, empty, not HDF5, truncated or not readable.
    """
    _identity(path)
    if path.is_dir():
        raise FileOpenError(f"{path} is a folder; give the HDF5 file inside it")
    if not path.is_file():  # to open a pipe or a device may take for ever
        raise FileOpenError(f"{path} is not a file; EMD, NeXus and HDF5 files are")
    try:
        with path.open("rb") as stream:
            start = stream.read(8)
    except OSError as error:
        raise FileOpenError(
            f"{path} cannot be read ({error.strerror}); check its permissions"
        ) from error
    if not start:
        raise FileOpenError(
            f"{path} is empty (0 bytes); its transfer or acquisition did not finish"
        )
    if not h5py.is_hdf5(path):
        raise FileOpenError(
            f"{path} is not an HDF5 file (it starts with {start!r}); EMD, NeXus "
            "and HDF5 files can be opened"
        )
    described = superblock(path)
    if described.missing:
        raise FileOpenError(
            f"{path} cannot be opened: it is truncated; copy it again from where it "
            f"was recorded ({described.missing} bytes are missing at its end)"
        )
    try:
        return _open(path, driver=_DRIVER)
    except (OSError, RuntimeError) as error:
        failure, reason = error, f"HDF5 says: {error}"
    if described.is_marked:
        try:
            # What a program writes in SWMR mode opens in no other, with no other
            # driver. Of other files HDF5 would wait for a damaged one to mend.
            return _open(path, swmr=True)
        except (OSError, RuntimeError) as error:
            if "not already open for SWMR" in str(error):
                reason = (
                    "it is marked as being written; wait until the program that "
                    "writes it has closed it, or clear what a crash left with "
                    "`h5clear -s`"
                )
    raise FileOpenError(f"{path} cannot be opened: {reason}") from failure


def _open(path: Path, **options: Any) -> h5py.File:
    return h5py.File(
        path, "r", locking=False, rdcc_nbytes=_CHUNK_CACHE_BYTES, **options
    )


def _identity(path: Path) -> _Identity:
    try:
        status = path.stat()
    except FileNotFoundError as error:
        raise FileNotFoundError(
            f"{path} does not exist; check its name, or whether its disk is mounted"
        ) from error
    except OSError as error:
        raise FileOpenError(f"{path} cannot be reached: {error.strerror}") from error
    return status.st_dev, status.st_ino


def _version(path: Path) -> _Version:
    status = path.stat()
    return status.st_mtime_ns, status.st_size


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
