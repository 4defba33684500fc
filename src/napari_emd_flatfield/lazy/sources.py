"""All that a dataset shows parts of: virtual ones map others, which may be virtual.

HDF5 goes down them anew for each part that it reads, without an end where one is made
of itself. It takes the fill value for what it does not find, and whatever is in memory
for what lies beyond a source's end. So each is looked at here first, once.
"""

from __future__ import annotations

import glob
import math
import operator
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import h5py

from ..errors import EmdFlatfieldError, ReadError
from .links import (
    NotFollowedError,
    check_inside,
    check_links,
    located,
    own_file,
)
from .opening import open_hdf5

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# HDF5 reads one from within the other, on the stack of a thread.
_DEEPEST = 40
# Datasets that HDF5 looks through to read one; with each level they may double.
_MOST_READS = 10**6

_Box = tuple[tuple[int, ...], tuple[int, ...]]
# File and HDF5 path.
_Place = tuple[Path, str]
# How long a source has to be along each axis, or how many values it has in all.
_Extent = tuple[int, ...] | int


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
    extent: _Extent = ()

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


def whole(dataset: h5py.Dataset) -> _Box:
    """Return where all of a dataset begins and ends, along each axis.

    Parameters
    ----------
    dataset
        Any dataset but a scalar one.
    """
    return (0,) * dataset.ndim, dataset.shape


class _Part(NamedTuple):
    """What a virtual dataset shows of another one, and where."""

    place: _Place
    box: _Box
    extent: _Extent


class _Node(NamedTuple):
    """A dataset that is shown, or what stands where it should be."""

    files: tuple[_Place, ...] = ()
    raws: tuple[tuple[Path, tuple[int, int, int]], ...] = ()
    parts: tuple[_Part, ...] = ()
    lost: str = ""
    shape: tuple[int, ...] | None = ()
    levels: int = 0
    reads: int = 1

    def within(self, box: _Box, extents: Iterable[_Extent] = ((),)) -> Iterator[Source]:
        for extent in extents:
            for path, name in self.files:
                yield Source(path, *box, name, None, self.lost, self.shape, extent)
        for path, raw in self.raws:
            yield Source(path, *box, raw=raw)


class Walk:
    """A walk to all that datasets are made of, each visited once.

    Parameters
    ----------
    start
        An object of the file that was opened, in whose folder or below all files
        have to be; None if they may be anywhere.
    """

    def __init__(self, start: h5py.Group | None) -> None:
        self._start = start
        # None as long as what is behind it is being looked at; or why it cannot be.
        self._nodes: dict[_Place, _Node | str | None] = {}

    def check(self, dataset: h5py.Dataset) -> None:
        """Make sure that HDF5 can be left to read a dataset.

        Parameters
        ----------
        dataset
            One that is made of others.

        Raises
        ------
        NotFollowedError
            If a file is not where it may be, or a pipe or a device, or if virtual
            datasets are made of each other in a circle or too many times over.
        """
        self._look_at(dataset)

    def sources(self, dataset: h5py.Dataset) -> list[Source]:
        """Find all that a dataset shows parts of, at all depths.

        Parameters
        ----------
        dataset
            One that has any.

        Returns
        -------
        list of Source
            First what it maps itself, each part of it. Of what these map in turn it
            is said only through which of them it is shown; if through several, it
            counts as a part of all.

        Raises
        ------
        NotFollowedError
            As `check` raises it.
        """
        return list(self._spread(self._look_at(dataset), whole(dataset)))

    def _look_at(self, dataset: h5py.Dataset, depth: int = 0) -> _Node:
        raws, first = [], 0
        for name, offset, size in dataset.external or ():
            # HDF5 takes such names relative to where the program was started.
            check_inside(Path(name), self._start)
            most = min(size, dataset.size * dataset.dtype.itemsize - first)
            raws.append((Path(name), (first, offset, most)))
            first += most
        parts: list[_Part] = []
        if dataset.is_virtual and depth < _DEEPEST:
            # Many parts may be of one and the same.
            known: dict[tuple[str, str], list[_Place]] = {}
            for source, box, extent in _mapped(dataset):
                if source not in known:
                    known[source] = self._behind(dataset, *source, depth + 1)
                parts += [_Part(place, box, extent) for place in known[source]]
        nodes = [self._node(part.place) for part in parts]
        levels = 1 + max((node.levels for node in nodes), default=0)
        reads = 1 + sum(node.reads for node in nodes)
        if depth + levels > _DEEPEST or reads > _MOST_READS:
            raise NotFollowedError(
                f"{dataset.name} is made of virtual datasets, and these of others, too "
                "many times over; it is not followed"
            )
        shape = dataset.shape
        return _Node((), tuple(raws), tuple(parts), "", shape, levels, reads)

    def _spread(self, top: _Node, all_of_it: _Box) -> Iterator[Source]:
        """Say of all that was seen in which part of the first dataset it is shown."""
        yield from top.within(all_of_it)
        direct: dict[_Place, _Box] = {}
        for place, box, extent in top.parts:
            yield from self._node(place).within(box, [extent])
            direct[place] = box if direct.get(place, box) == box else all_of_it
        behind: dict[_Place, _Box] = {}
        extents: dict[_Place, set[_Extent]] = {}
        for first, box in direct.items():
            pending = [first]
            while pending:
                for place, _, extent in self._node(pending.pop()).parts:
                    extents.setdefault(place, set()).add(extent)
                    wider = box if behind.get(place, box) == box else all_of_it
                    if behind.get(place) != wider:
                        behind[place] = wider
                        pending.append(place)
        for place, box in behind.items():
            yield from self._node(place).within(box, extents[place])

    def _node(self, place: _Place) -> _Node:
        node = self._nodes[place]
        if node is None:
            node = f"{place[0]}:{place[1]} is made of itself; it is not followed"
        if isinstance(node, str):
            raise NotFollowedError(node)
        return node

    def _behind(
        self, dataset: h5py.Dataset, file_name: str, name: str, depth: int
    ) -> list[_Place]:
        """Follow a source to all that it stands for."""
        own = own_file(dataset)
        if file_name == ".":
            return [self._enter(own, each, depth) for each in _numbered(own, name)]
        paths = self._files(file_name, Path(own.filename).parent)
        if not paths:
            return [self._lose(Path(own.filename).parent / file_name, file_name)]
        found = []
        for path in paths:
            check_inside(path, self._start)
            try:
                file = open_hdf5(path)
            except EmdFlatfieldError as error:
                found.append(self._lose(path, f"{file_name} ({error})"))
                continue
            with file:
                names = _numbered(file, name)
                found += [self._enter(file, each, depth) for each in names]
        return found

    def _files(self, name: str, folder: Path) -> list[Path]:
        if "%b" not in name:
            path = located(name.replace("%%", "%"), folder)
            return [] if path is None else [path]
        # One file a block, numbered.
        check_inside(folder / name.replace("%b", "0"), self._start)
        pattern = glob.escape(str(folder / name)).replace("%b", "*")
        return [Path(path) for path in sorted(glob.glob(pattern))]  # noqa: PTH207

    def _enter(self, file: h5py.File, name: str, depth: int) -> _Place:
        place = Path(file.filename), name
        if place not in self._nodes:
            self._nodes[place] = None
            try:
                self._nodes[place] = self._entered(file, name, depth)
            except NotFollowedError as error:
                self._nodes[place] = str(error)
                raise
        return place

    def _entered(self, file: h5py.File, name: str, depth: int) -> _Node:
        path = Path(file.filename)
        files = {path: name}
        try:
            passed = check_links(file, f"/{name}", self._start)
            files = dict.fromkeys(passed, "") | files
            dataset = file[name]
            own = Path(own_file(dataset).filename)
            if own != path:
                files[own] = os.fsdecode(h5py.h5i.get_name(dataset.id))
            if isinstance(dataset, h5py.Dataset):
                node = self._look_at(dataset, depth)
            else:
                node = _Node(shape=None)
        except NotFollowedError:
            raise
        except (KeyError, OSError, RuntimeError, ValueError):  # nor will HDF5 find it
            node = _Node(lost=f"{path}:{name}")
            files = dict.fromkeys(files, "")
        return node._replace(files=tuple(files.items()))

    def _lose(self, path: Path, why: str) -> _Place:
        self._nodes[path, ""] = _Node(((path, ""),), lost=why)
        return path, ""


def _mapped(
    dataset: h5py.Dataset,
) -> Iterator[tuple[tuple[str, str], _Box, _Extent]]:
    for source in dataset.virtual_sources():
        shown, selected = source.vspace, source.src_space
        extent: _Extent
        try:
            bounds = shown.get_select_bounds()
        except RuntimeError:  # it grows with its source
            box, extent = whole(dataset), (0,) * selected.get_simple_extent_ndims()
        else:
            if bounds is None:
                continue  # nothing is selected
            first, last = bounds
            box = first, tuple(index + 1 for index in last)
            if selected.get_select_type() == h5py.h5s.SEL_ALL:
                extent = shown.get_select_npoints()
            else:
                extent = tuple(index + 1 for index in selected.get_select_bounds()[1])
        yield (source.file_name, source.dset_name), box, extent


def _numbered(file: h5py.File, name: str) -> list[str]:
    """HDF5 paths that one with a number for each block stands for."""
    if "%b" not in name:
        return [name.replace("%%", "%")]
    parent, _, last = name.rpartition("/")
    pattern = re.compile(re.escape(last).replace("%b", r"\d+"))
    there = file.get(parent or "/")
    if not isinstance(there, h5py.Group):
        return []
    return [f"{parent}/{each}" for each in there if pattern.fullmatch(each)]
