"""HDF5 files opened for reading only, and why one cannot be."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING, Any

import h5py
import hdf5plugin  # noqa: F401 - importing it registers its filters with HDF5

from ..errors import FileOpenError
from .heaps import endless_heap
from .status import reached
from .superblock import superblock

if TYPE_CHECKING:
    from pathlib import Path

# HDF5's own chunk cache, per dataset: enough for neighbouring frames of a stack
# whose chunks span several of them.
_CHUNK_CACHE_BYTES = 32 * 2**20

# HDF5 makes all handles of one process on one file agree on locking and on
# read-only, unless they use different drivers. With stdio a script can open the
# file its signals come from as it likes, even to write; it is as fast as the
# default driver, but on Windows it cannot open names that are not ASCII.
_DRIVER = None if os.name == "nt" else "stdio"


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
    reached(path)
    if path.is_dir():
        raise FileOpenError(f"{path} is a folder; give the HDF5 file inside it")
    if not path.is_file():  # to open a pipe or a device may take for ever
        raise FileOpenError(f"{path} is not a file; EMD, NeXus and HDF5 files are")
    try:
        with path.open("rb") as stream:
            start = stream.read(8)
        described, heap = superblock(path), endless_heap(path)
    except OSError as error:
        full = error.errno in (errno.EMFILE, errno.ENFILE)
        way_out = "close other files" if full else "check its permissions"
        raise FileOpenError(
            f"{path} cannot be read ({error.strerror}); {way_out}"
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
    if described.missing:
        raise FileOpenError(
            f"{path} cannot be opened: it is truncated; copy it again from where it "
            f"was recorded ({described.missing} bytes are missing at its end)"
        )
    if heap is not None:
        raise FileOpenError(
            f"{path} cannot be opened: the text it keeps at byte {heap} is damaged, "
            "and HDF5 would read it for ever; copy it again from where it was recorded"
        )
    try:
        return _open(path, driver=_DRIVER)
    except (OSError, RuntimeError) as error:
        failure, reason = error, f"HDF5 says: {error}"
    if described.is_swmr:
        try:
            # What a program writes in SWMR mode opens in no other, with no other
            # driver. Any other damaged file HDF5 would wait for to mend.
            return _open(path, swmr=True)
        except (OSError, RuntimeError) as error:
            reason = f"HDF5 says: {error}"
    elif described.is_marked:
        reason = (
            "it is marked as being written; wait until the program that writes it "
            "has closed it, or clear what a crash left with `h5clear -s`"
        )
    raise FileOpenError(f"{path} cannot be opened: {reason}") from failure


def _open(path: Path, **options: Any) -> h5py.File:
    return h5py.File(
        path, "r", locking=False, rdcc_nbytes=_CHUNK_CACHE_BYTES, **options
    )
