"""The other files a dataset shows parts of, watched while it is shown.

HDF5 opens them when it needs them, keeps what it has read of them, and takes zeros
for what it does not find: where a source of a virtual dataset is gone, or a linked
file or one of raw data was cut off. So they are looked at before each read.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import h5py
import numpy as np

from ..errors import ReadError
from .following import following, sources
from .links import check_links, own_file
from .opening import open_hdf5
from .sources import Source, whole
from .status import Status
from .superblock import superblock

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .grid import Slices

# As HDF5 has them open, for all datasets: it shares what it knows of a file. Any
# thread may forget them at any time.
_seen: dict[Path, Status | None] = {}
# The shape of a dataset in one that was looked into since.
_shapes: dict[tuple[Path, str, Status], tuple[int, ...]] = {}


def forget() -> None:
    """Look at all other files anew: HDF5 has closed them."""
    _seen.clear()
    _shapes.clear()


class OthersError(ReadError):
    """What a dataset shows of another file is not there."""


class Others:
    """Other files of one dataset.

    Parameters
    ----------
    shape, itemsize
        Of the dataset.
    files
        Those that are there now.
    home
        The file it was reached in; it may be among them.
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        itemsize: int,
        files: tuple[Source, ...],
        home: Path,
    ) -> None:
        self._shape, self._itemsize, self._files = shape, itemsize, files
        self._home, self._at_home = home, Status.if_there(home)
        self._first = self.versions()
        self._begins = np.array([file.begin for file in files])
        self._ends = np.array([file.end for file in files])

    @classmethod
    def of(
        cls, dataset: h5py.Dataset, file: h5py.File, path: str, follow_external: bool
    ) -> Others | None:
        """Find the other files of a dataset; None if there are none.

        Parameters
        ----------
        dataset
            Any dataset.
        file, path
            The file it was reached in, and its HDF5 path there.
        follow_external
            Whether they may be anywhere.

        Raises
        ------
        NotFollowedError
            If one is not where it may be.
        """
        with following(follow_external):
            files = tuple(_found(dataset, file, path, follow_external))
        if not files:
            return None
        itemsize, home = dataset.dtype.itemsize, Path(file.filename)
        return cls(dataset.shape, itemsize, files, home)

    def look(self, slices: Slices) -> bool:
        """Make sure that what is selected is there, and that HDF5 shows it.

        Parameters
        ----------
        slices
            One normalised slice an axis.

        Returns
        -------
        bool
            Whether HDF5 shows what is there now, not an old state of it.

        Raises
        ------
        OthersError, MisfitError
            If a file is gone or cut off, or does not have what is mapped.
        """
        shown = []
        for file in self._within(slices):
            now = Status.if_there(file.path)
            before = _seen.setdefault(file.path, now)
            if self._is_replaced(file, now):
                continue
            if before != now and not _is_growing(file.path, before, now):
                return False
            shown.append((file, before))
        for file, status in shown:
            self._check(file, status, slices)
        return True

    def versions(self) -> dict[Path, Status | None]:
        """Return the state of all files; None for one that is gone."""
        return {path: Status.if_there(path) for path in {f.path for f in self._files}}

    def _check(self, file: Source, now: Status | None, slices: Slices) -> None:
        needed = 0
        if file.raw is not None and not (needed := self._needed(file.raw, slices)):
            return
        if now is None:
            raise OthersError(f"its data are in {file.path}, which is gone")
        if now.size < needed:
            raise OthersError(
                f"its data are in {file.path}, which has {now.size} bytes of {needed}"
            )
        if file.raw is not None:
            return
        shape: tuple[int, ...] | None = file.shape
        if file.lost or now != self._first[file.path]:
            place = file.path, file.name, now
            shape = _shapes.get(place)
            if shape is None:
                shape = _shapes[place] = _look_into(file)
        file.check(shape)

    def _is_replaced(self, file: Source, now: Status | None) -> bool:
        """Whether it is the one that was opened: its name may now be another's."""
        if file.path != self._home:
            return False
        before = self._at_home
        return now is None or before is None or now.identity != before.identity

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

    def _within(self, slices: Slices) -> list[Source]:
        starts, stops = [s.start for s in slices], [s.stop for s in slices]
        touched = (self._begins < stops) & (self._ends > starts)
        return [self._files[i] for i in np.flatnonzero(touched.all(axis=1))]


def _look_into(file: Source) -> tuple[int, ...]:
    """Say what shape the dataset has that is shown."""
    if missing := superblock(file.path).missing:
        raise OthersError(
            f"its data are in {file.path}, which is truncated: {missing} bytes are "
            "missing at its end"
        )
    if not file.name:
        return ()
    with open_hdf5(file.path) as opened:
        source = opened.get(file.name)
        if not isinstance(source, h5py.Dataset):
            raise OthersError(
                f"its data are in {file.path}, which has no {file.name} any more"
            )
        shape: tuple[int, ...] = source.shape
        return shape


def _found(
    dataset: h5py.Dataset, file: h5py.File, path: str, follow_external: bool
) -> Iterator[Source]:
    own = own_file(dataset).filename
    if own != file.filename:
        passed = check_links(file, path, None if follow_external else file)
        for each in {*passed, Path(own)}:
            yield Source(each, *whole(dataset))
    for source in sources(dataset, file):
        # What never was there is known, and may come.
        if not source.lost:
            yield source
        elif source.path.exists():
            yield source._replace(name="")


def _is_growing(path: Path, before: Status | None, now: Status | None) -> bool:
    """Whether a file is being written: it cannot always be opened anew, as it was."""
    if before is None or now is None or before.identity != now.identity:
        return False
    return before.size <= now.size and superblock(path).is_marked
