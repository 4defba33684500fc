"""The other files a dataset shows parts of, watched while it is shown.

HDF5 opens them when it needs them, keeps what it has read of them, and takes zeros
for what it does not find: where a source of a virtual dataset is gone, or a linked
file or one of raw data was cut off. So they are looked at before each read.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import h5py
import numpy as np

from ..errors import ReadError
from .following import located
from .opening import open_hdf5
from .superblock import superblock

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .grid import Slices

_Version = tuple[int, int, int]

# Virtual datasets may map virtual datasets; more levels than this are a loop.
_DEEPEST = 8

# As HDF5 has them open, for all datasets: it shares what it knows of a file.
_seen: dict[Path, _Version | None] = {}
# What was looked into since, and what has not stayed what it first was.
_sound: set[tuple[Path, str]] = set()
_changed: set[Path] = set()


def forget() -> None:
    """Look at all other files anew: HDF5 has closed them."""
    _seen.clear()
    _sound.clear()


class OthersError(ReadError):
    """What a dataset shows of another file is not there."""


class Other(NamedTuple):
    """A file that some of a dataset is in.

    Parameters
    ----------
    path
        The file.
    begin, end
        The part of the dataset, along each axis.
    name
        HDF5 path of the dataset in it that is mapped.
    raw
        Of a file of raw data: where in the dataset it begins, where in the file,
        and up to how many bytes it holds.
    """

    path: Path
    begin: tuple[int, ...]
    end: tuple[int, ...]
    name: str = ""
    raw: tuple[int, int, int] | None = None


class Others:
    """Other files of one dataset.

    Parameters
    ----------
    shape, itemsize
        Of the dataset.
    files
        Those that are there now.
    """

    def __init__(
        self, shape: tuple[int, ...], itemsize: int, files: tuple[Other, ...]
    ) -> None:
        self._shape, self._itemsize, self._files = shape, itemsize, files
        if files:
            self._begins = np.array([file.begin for file in files])
            self._ends = np.array([file.end for file in files])

    @classmethod
    def of(cls, dataset: h5py.Dataset, home: Path) -> Others:
        """Find the other files of a dataset.

        Parameters
        ----------
        dataset
            Any dataset.
        home
            The file it was reached in.
        """
        files = tuple(_found(dataset, home))
        return cls(dataset.shape, dataset.dtype.itemsize, files) if files else NONE

    def have_changed(self, slices: Slices) -> bool:
        """Whether HDF5 would show an old state of what is selected.

        Parameters
        ----------
        slices
            One normalised slice an axis.
        """
        for file in self._within(slices):
            now = _version(file.path)
            before = _seen.setdefault(file.path, now)
            if before != now and not _is_growing(file.path, before, now):
                _changed.add(file.path)
                return True
        return False

    def check(self, slices: Slices) -> None:
        """Make sure that what is selected is there.

        Parameters
        ----------
        slices
            One normalised slice an axis.

        Raises
        ------
        OthersError
            If a file is gone or cut off, or no longer has what was mapped.
        """
        for file in self._within(slices):
            needed = 0
            if file.raw is not None and not (needed := self._needed(file.raw, slices)):
                continue
            now = _seen.get(file.path)
            if now is None:
                raise OthersError(f"its data are in {file.path}, which is gone")
            if now[-1] < needed:
                raise OthersError(
                    f"its data are in {file.path}, which has {now[-1]} bytes of "
                    f"{needed}"
                )
            if file.raw is None and (file.path, file.name) not in _sound:
                _look_into(file)
                _sound.add((file.path, file.name))

    def _needed(self, raw: tuple[int, int, int], slices: Slices) -> int:
        """How long a file of raw data has to be, if any of it is selected."""
        first, offset, most = raw
        starts = [s.start for s in slices]
        lasts = [s.start + (s.stop - 1 - s.start) // s.step * s.step for s in slices]
        begin, last = (
            int(np.ravel_multi_index(corner, self._shape)) * self._itemsize
            for corner in (starts, lasts)
        )
        end = min(last + self._itemsize, first + most)
        return offset + end - first if begin < first + most and end > first else 0

    def _within(self, slices: Slices) -> list[Other]:
        if not self._files:
            return []
        starts, stops = [s.start for s in slices], [s.stop for s in slices]
        touched = (self._begins < stops) & (self._ends > starts)
        return [self._files[i] for i in np.flatnonzero(touched.all(axis=1))]


def _look_into(file: Other) -> None:
    if missing := superblock(file.path).missing:
        raise OthersError(
            f"its data are in {file.path}, which is truncated: {missing} bytes are "
            "missing at its end"
        )
    # What was never there is known, and shown as what the dataset is filled with.
    if file.name and file.path in _changed:
        with open_hdf5(file.path) as opened:
            if not isinstance(opened.get(file.name), h5py.Dataset):
                raise OthersError(
                    f"its data are in {file.path}, which has no {file.name} any more"
                )


# What nearly all datasets have.
NONE = Others((), 0, ())


def _found(dataset: h5py.Dataset, home: Path) -> Iterator[Other]:
    own = h5py.h5f.get_name(dataset.id)
    if own != os.fsencode(home):
        yield Other(Path(os.fsdecode(own)), *_whole(dataset))
    if dataset.is_virtual:
        yield from _sources(dataset, Path(os.fsdecode(own)).parent)
    first = 0
    for name, offset, size in dataset.external or ():
        most = min(size, dataset.size * dataset.dtype.itemsize - first)
        yield Other(Path(name), *_whole(dataset), raw=(first, offset, most))
        first += most


def _whole(dataset: h5py.Dataset) -> tuple[tuple[int, ...], tuple[int, ...]]:
    return (0,) * dataset.ndim, dataset.shape


def _sources(dataset: h5py.Dataset, folder: Path, depth: int = 0) -> Iterator[Other]:
    whole = _whole(dataset)
    behind: dict[tuple[Path, str], list[Other]] = {}
    for source in dataset.virtual_sources():
        name, mapped = source.file_name, source.dset_name
        if name == ".":
            continue
        if "%b" in name:  # one file a block, numbered
            for path in folder.glob(name.replace("%b", "*")):
                yield Other(path, *whole)
        elif (found := located(name.replace("%%", "%"), folder)) is not None:
            if "%b" in mapped:
                mapped = ""
            try:
                first, last = source.vspace.get_select_bounds()
            except RuntimeError:  # it grows with its source
                yield Other(found, *whole, mapped)
            else:
                stop = tuple(index + 1 for index in last)
                yield Other(found, first, stop, mapped)
                # Many parts may be of one and the same.
                if (found, mapped) not in behind:
                    behind[found, mapped] = list(_behind(found, mapped, depth))
                for file in behind[found, mapped]:
                    yield Other(file.path, first, stop, file.name)


def _behind(path: Path, name: str, depth: int) -> Iterator[Other]:
    """Files that a source of a virtual dataset shows parts of in its turn."""
    if depth == _DEEPEST:
        return
    try:
        file = open_hdf5(path)
    except (ReadError, OSError):
        return  # what is damaged is said of it elsewhere
    with file:
        source = file.get(name)
        if isinstance(source, h5py.Dataset) and source.is_virtual:
            yield from _sources(source, path.parent, depth + 1)


def _is_growing(path: Path, before: _Version | None, now: _Version | None) -> bool:
    """Whether a file is being written: it cannot always be opened anew, as it was."""
    if before is None or now is None or before[0] != now[0] or before[-1] > now[-1]:
        return False
    return superblock(path).is_marked


def _version(path: Path) -> _Version | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns, status.st_size
