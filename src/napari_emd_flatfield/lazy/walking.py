"""All that a dataset shows parts of: virtual ones map others, which may be virtual.

HDF5 goes down them anew for each part that it reads, without an end where one is made
of itself. So each is looked at here first, once.
"""

from __future__ import annotations

import glob
import os
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import h5py

from ..errors import EmdFlatfieldError
from .links import NotFollowedError, check_inside, check_links, located, own_file
from .opening import open_hdf5
from .sources import Source, has_sources, is_numbered, mappings, numbered, whole

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .sources import Box, Extent

# HDF5 reads one from within the other, on the stack of a thread.
_DEEPEST = 40
# Parts that HDF5 looks through to read one dataset; with each level they may double.
_MOST_READS = 10**8

# File and HDF5 path.
_Place = tuple[Path, str]


class _Part(NamedTuple):
    """What a virtual dataset shows of another one, and where."""

    place: _Place
    box: Box
    extent: Extent


class _Node(NamedTuple):
    """A dataset that is shown, or what stands where it should be."""

    files: tuple[_Place, ...] = ()
    raws: tuple[tuple[Path, tuple[int, int, int]], ...] = ()
    parts: tuple[_Part, ...] = ()
    lost: str = ""
    shape: tuple[int, ...] | None = ()
    levels: int = 1
    reads: int = 1

    def within(self, box: Box, extents: Iterable[Extent] = ((),)) -> Iterator[Source]:
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
        if not has_sources(dataset):
            return _Node(shape=dataset.shape)
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
            for file_name, name, box, extent in mappings(dataset):
                source = file_name, name
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

    def _spread(self, top: _Node, all_of_it: Box) -> Iterator[Source]:
        """Say of all that was seen in which part of the first dataset it is shown."""
        yield from top.within(all_of_it)
        direct: dict[_Place, Box] = {}
        for place, box, extent in top.parts:
            yield from self._node(place).within(box, [extent])
            direct[place] = box if direct.get(place, box) == box else all_of_it
        behind: dict[_Place, Box] = {}
        extents: dict[_Place, set[Extent]] = {}
        pending = list(direct.items())
        while pending:
            shown, box = pending.pop()
            for place, _, extent in self._node(shown).parts:
                extents.setdefault(place, set()).add(extent)
                wider = box if behind.get(place, box) == box else all_of_it
                if behind.get(place) != wider:
                    behind[place] = wider
                    pending.append((place, wider))
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
            return [self._enter(own, each, depth) for each in numbered(own, name)]
        paths = self._files(file_name, Path(own.filename).parent)
        if not paths:
            return [self._lose(Path(own.filename).parent / file_name, file_name)]
        found = []
        for path in paths:
            place = path, name
            if place in self._nodes:  # of a name that stands for itself
                found.append(place)
                continue
            check_inside(path, self._start)
            try:
                file = open_hdf5(path)
            except EmdFlatfieldError as error:
                found.append(self._lose(path, f"{file_name} ({error})"))
                continue
            with file:
                names = numbered(file, name)
                found += [self._enter(file, each, depth) for each in names]
        return found

    def _files(self, name: str, folder: Path) -> list[Path]:
        if "%b" not in name:
            path = located(name.replace("%%", "%"), folder)
            return [] if path is None else [path]
        # One file a block, numbered.
        check_inside(folder / name.replace("%b", "0"), self._start)
        named = str(folder / name)
        found = glob.glob(glob.escape(named).replace("%b", "*"))  # noqa: PTH207
        return [Path(path) for path in sorted(found) if is_numbered(path, named)]

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
