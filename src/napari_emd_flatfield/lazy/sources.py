"""What a virtual dataset shows of other datasets, and whether that is there.

HDF5 takes the fill value for a source that it does not find, and whatever is in memory
for what lies beyond a source's end.
"""

from __future__ import annotations

import math
import operator
import re
from typing import TYPE_CHECKING, NamedTuple

import h5py

from ..errors import ReadError

if TYPE_CHECKING:
    from pathlib import Path

Box = tuple[tuple[int, ...], tuple[int, ...]]
# How long a source has to be along each axis, or how many values it has in all.
Extent = tuple[int, ...] | int


class Source(NamedTuple):
    """Something that a dataset shows some of.

    Parameters
    ----------
    path
        The file it is in.
    begin, end
        The part of the dataset, along each axis.
    name
        HDF5 path in it; empty if what matters is only that the file is there.
    raw
        Of a file of raw data: where in the dataset it begins, where in the file,
        and up to how many bytes it holds.
    lost
        What HDF5 will not find, if anything; it shows the fill value instead.
    shape
        That of the dataset in it that is shown; None if it is none.
    extent
        What is shown of that: it is to be at least so long along each axis, or to
        have exactly so many values.
    """

    path: Path
    begin: tuple[int, ...]
    end: tuple[int, ...]
    name: str = ""
    raw: tuple[int, int, int] | None = None
    lost: str = ""
    shape: tuple[int, ...] | None = ()
    extent: Extent = ()

    def check(self, shape: tuple[int, ...] | None) -> None:
        """Make sure that what is shown is there: HDF5 reads on, or crashes.

        Parameters
        ----------
        shape
            That the dataset has now; None if it is none.

        Raises
        ------
        MisfitError
            If it has another number of axes, is shorter, or not of that size.
        """
        if shape is None:
            raise MisfitError(f"{self.path}:{self.name} is mapped, which is no dataset")
        if isinstance(self.extent, int):
            fits, meant = math.prod(shape) == self.extent, f"{self.extent} values"
        else:
            fits = len(shape) == len(self.extent)
            fits = fits and all(map(operator.le, self.extent, shape))
            meant = f"{self.extent}"
        if self.name and not fits:
            raise MisfitError(
                f"its data are in {self.path}:{self.name}, which has the shape {shape} "
                f"where {meant} are mapped; what lies beyond is undefined"
            )


class MisfitError(ReadError):
    """A virtual dataset maps more of another than there is."""


def has_sources(dataset: h5py.Dataset) -> bool:
    """Whether some of a dataset is not its own.

    Parameters
    ----------
    dataset
        Any dataset.
    """
    if dataset.id.get_offset() is not None or dataset.shape is None:
        return False
    return bool(dataset.is_virtual or dataset.external)


def whole(dataset: h5py.Dataset) -> Box:
    """Return where all of a dataset begins and ends, along each axis.

    Parameters
    ----------
    dataset
        Any dataset but a scalar one.
    """
    return (0,) * dataset.ndim, dataset.shape


class Mapping(NamedTuple):
    """What a virtual dataset maps of another.

    Parameters
    ----------
    file, name
        Where HDF5 looks for the other.
    box
        Where the part begins and ends, along each axis.
    extent
        As for `Source`.
    """

    file: str
    name: str
    box: Box
    extent: Extent


def mappings(dataset: h5py.Dataset) -> list[Mapping]:
    """Say what a virtual dataset maps itself.

    Parameters
    ----------
    dataset
        A virtual dataset.

    Returns
    -------
    list of Mapping
        Those of nothing are left out.
    """
    found, everything = [], whole(dataset)
    if 0 in dataset.shape:
        return []  # nothing of them is shown
    for source in dataset.virtual_sources():
        shown, selected = source.vspace, source.src_space
        # Of all there is, its shape is not stored.
        is_all = selected.get_select_type() == h5py.h5s.SEL_ALL
        box = _bounds(shown, everything)
        any_long = (), (0,) * selected.get_simple_extent_ndims()
        there = box if is_all else _bounds(selected, any_long)
        if box is not None and there is not None:
            extent = _all_of_one(shown) if is_all else there[1]
            found.append(Mapping(source.file_name, source.dset_name, box, extent))
    return found


def _bounds(selection: h5py.h5s.SpaceID, growing: Box) -> Box | None:
    """Where what is selected begins and ends, if anything is."""
    try:
        bounds = selection.get_select_bounds()
    except RuntimeError:  # no end: it grows with a source, or with how many there are
        return growing
    return bounds and (bounds[0], tuple(index + 1 for index in bounds[1]))


def _all_of_one(selection: h5py.h5s.SpaceID) -> int:
    """How many values one source has of which all are mapped."""
    try:
        return int(selection.get_select_npoints())
    except RuntimeError:  # one a block
        *_, block = selection.get_regular_hyperslab()
        return math.prod(block)


def numbered(file: h5py.File, name: str) -> list[str]:
    """List what the name of a source stands for: one dataset, or one a block.

    Parameters
    ----------
    file
        Where it is looked for.
    name
        HDF5 path; ``%b`` stands for a number.
    """
    if "%b" not in name:
        return [name.replace("%%", "%")]
    parent, _, last = name.rpartition("/")
    there = file.get(parent or "/")
    if not isinstance(there, h5py.Group):
        return []
    return [f"{parent}/{each}" for each in there if is_numbered(each, last)]


def is_numbered(name: str, pattern: str) -> bool:
    """Whether a name is one of those that a pattern stands for.

    Parameters
    ----------
    name
        Any name.
    pattern
        With ``%b`` for a number.
    """
    return bool(re.fullmatch(re.escape(pattern).replace("%b", r"\d+"), name))
