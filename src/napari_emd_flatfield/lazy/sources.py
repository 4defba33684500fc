"""All that a dataset shows parts of: virtual ones map others, which may be virtual.

HDF5 goes down them anew for each part that it reads, without an end where one is made
of itself, and takes the fill value for what it does not find. So each is looked at
here first, once.
"""

from __future__ import annotations

import glob
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import h5py

from ..errors import EmdFlatfieldError
from .links import (
    NotFollowedError,
    check_inside,
    check_links,
    located,
    own_file,
)
from .opening import open_hdf5

if TYPE_CHECKING:
    from collections.abc import Iterator

# HDF5 reads one from within the other, on the stack of a thread.
_DEEPEST = 40
# Datasets that HDF5 looks through to read one; with each level they may double.
_MOST_READS = 10**6

_Box = tuple[tuple[int, ...], tuple[int, ...]]
# File and HDF5 path.
_Place = tuple[Path, str]


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
    """

    path: Path
    begin: tuple[int, ...]
    end: tuple[int, ...]
    name: str = ""
    raw: tuple[int, int, int] | None = None
    lost: str = ""


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


class _Node(NamedTuple):
    """A dataset that is shown, or what stands where it should be."""

    files: tuple[_Place, ...] = ()
    raws: tuple[tuple[Path, tuple[int, int, int]], ...] = ()
    parts: tuple[tuple[_Place, _Box], ...] = ()
    lost: str = ""
    levels: int = 0
    reads: int = 1

    def within(self, box: _Box) -> Iterator[Source]:
        for path, name in self.files:
            yield Source(path, *box, name, lost=self.lost)
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
        parts: list[tuple[_Place, _Box]] = []
        if dataset.is_virtual and depth < _DEEPEST:
            # Many parts may be of one and the same.
            known: dict[tuple[str, str], list[_Place]] = {}
            for source, box in _mapped(dataset):
                if source not in known:
                    known[source] = self._behind(dataset, *source, depth + 1)
                parts += [(place, box) for place in known[source]]
        nodes = [self._node(place) for place, _ in parts]
        levels = 1 + max((node.levels for node in nodes), default=0)
        reads = 1 + sum(node.reads for node in nodes)
        if depth + levels > _DEEPEST or reads > _MOST_READS:
            raise NotFollowedError(
                f"{dataset.name} is made of virtual datasets, and these of others, too "
                "many times over; it is not followed"
            )
        return _Node((), tuple(raws), tuple(parts), "", levels, reads)

    def _spread(self, top: _Node, all_of_it: _Box) -> Iterator[Source]:
        """Say of all that was seen in which part of the first dataset it is shown."""
        yield from top.within(all_of_it)
        direct: dict[_Place, _Box] = {}
        for place, box in top.parts:
            yield from self._node(place).within(box)
            direct[place] = box if direct.get(place, box) == box else all_of_it
        behind: dict[_Place, _Box] = {}
        for first, box in direct.items():
            pending = [first]
            while pending:
                for place, _ in self._node(pending.pop()).parts:
                    wider = box if behind.get(place, box) == box else all_of_it
                    if behind.get(place) != wider:
                        behind[place] = wider
                        pending.append(place)
        for place, box in behind.items():
            yield from self._node(place).within(box)

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
            files |= dict.fromkeys(check_links(file, f"/{name}", self._start), "")
            dataset = file[name]
            if not isinstance(dataset, h5py.Dataset):
                raise KeyError(name)
            own = Path(own_file(dataset).filename)
            if own != path:
                files[own] = os.fsdecode(h5py.h5i.get_name(dataset.id))
            node = self._look_at(dataset, depth)
        except NotFollowedError:
            raise
        except (KeyError, OSError, RuntimeError, ValueError):  # nor will HDF5 find it
            node = _Node(lost=f"{path}:{name}")
            files = dict.fromkeys(files, "")
        return node._replace(files=tuple(files.items()))

    def _lose(self, path: Path, why: str) -> _Place:
        self._nodes[path, ""] = _Node(((path, ""),), lost=why)
        return path, ""


def _mapped(dataset: h5py.Dataset) -> Iterator[tuple[tuple[str, str], _Box]]:
    for source in dataset.virtual_sources():
        try:
            first, last = source.vspace.get_select_bounds()
        except RuntimeError:  # it grows with its source
            box = whole(dataset)
        else:
            box = first, tuple(index + 1 for index in last)
        yield (source.file_name, source.dset_name), box


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
