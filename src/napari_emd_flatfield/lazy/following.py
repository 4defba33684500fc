"""What a file shows of other files, and which of them it may.

External links, virtual datasets and external raw storage make any file on the disk
appear as a part of an HDF5 file. HDF5 follows them without a word, so each is looked
at before HDF5 gets to it: only files in the folder of the one that was opened, or
below it, are followed, unless the user allows all.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py

from ..errors import EmdFlatfieldError, ReadError
from .opening import open_hdf5

if TYPE_CHECKING:
    from collections.abc import Iterator

# Links may lead to links, and virtual datasets map virtual datasets; more of them
# than this are a loop.
_MOST_HOPS = 40

_everywhere: ContextVar[bool] = ContextVar("follow_external", default=False)


class NotFollowedError(ReadError):
    """Something leads to a file outside the folder of the one that was opened."""


@contextmanager
def following(everywhere: bool) -> Iterator[None]:
    """Follow what leads to other files, for a while.

    Parameters
    ----------
    everywhere
        Wherever it leads, not only to the folder of the file that was opened.
    """
    token = _everywhere.set(everywhere)
    try:
        yield
    finally:
        _everywhere.reset(token)


def opened(group: h5py.Group, path: str) -> Any:
    """Open an object, if all it shows lies where it may.

    Parameters
    ----------
    group
        Where to start.
    path
        HDF5 path, from there.

    Returns
    -------
    h5py.Group, h5py.Dataset or h5py.Datatype
        As ``group[path]``.

    Raises
    ------
    NotFollowedError
        If a link on the way, or its data, lead outside the folder.
    KeyError, OSError, RuntimeError
        What HDF5 raises.
    """
    if _everywhere.get():
        return group[path]
    _check_links(group, path, group, 0)
    node = group[path]
    if isinstance(node, h5py.Dataset):
        _check_data(node, group, 0)
    return node


def located(name: str, folder: Path) -> Path | None:
    """Look for a file where HDF5 does: as named, beside the other, by name beside it.

    Parameters
    ----------
    name
        As it stands in the link.
    folder
        Where the file with the link is.
    """
    places = (folder / name, Path(name), folder / Path(name).name)
    return next((place for place in places if place.exists()), None)


def _check_links(group: h5py.Group, path: str, start: h5py.Group, hops: int) -> None:
    if path.startswith("/"):
        group = _own_file(group)["/"]
    parts = [part for part in path.split("/") if part not in ("", ".")]
    for i, part in enumerate(parts):
        links, name = group.id.links, part.encode("utf-8", "surrogateescape")
        if not links.exists(name):
            return  # HDF5 will say so
        kind = links.get_info(name).type
        rest = "/".join(parts[i + 1 :])
        if kind != h5py.h5l.TYPE_HARD and hops >= _MOST_HOPS:
            raise KeyError(f"links lead in a circle: {path}")
        if kind == h5py.h5l.TYPE_SOFT:
            target = os.fsdecode(links.get_val(name))
            _check_links(group, f"{target}/{rest}", start, hops + 1)
            return
        if kind == h5py.h5l.TYPE_EXTERNAL:
            file_name, target = map(os.fsdecode, links.get_val(name))
            with _elsewhere(file_name, _folder(group), start) as other:
                if other is not None:
                    _check_links(other, f"/{target}/{rest}", start, hops + 1)
            return
        if rest:
            group = group[part]
            if not isinstance(group, h5py.Group):
                return


def _check_data(dataset: h5py.Dataset, start: h5py.Group, hops: int) -> None:
    if dataset.id.get_offset() is not None:
        return  # all of it is there, in its own file
    if dataset.is_virtual:
        if hops >= _MOST_HOPS:
            raise KeyError(f"{dataset.name} maps itself")
        sources = {(s.file_name, s.dset_name) for s in dataset.virtual_sources()}
        for file_name, name in sources:
            _check_source(dataset, file_name, name, start, hops + 1)
    for name, _, _ in dataset.external or ():
        # HDF5 takes such names relative to where the program was started.
        _check_inside(Path(name), start)


def _check_source(
    dataset: h5py.Dataset, file_name: str, name: str, start: h5py.Group, hops: int
) -> None:
    if file_name == ".":
        _check_block(_own_file(dataset), name, start, hops)
        return
    folder = _folder(dataset)
    names = [file_name.replace("%%", "%")]
    if "%b" in file_name:  # one file a block, numbered
        _check_inside(folder / file_name.replace("%b", "0"), start)
        names = [str(path) for path in folder.glob(file_name.replace("%b", "*"))]
    for each in names:
        with _elsewhere(each, folder, start) as other:
            if other is not None:
                _check_block(other, name, start, hops)


def _check_block(file: h5py.File, name: str, start: h5py.Group, hops: int) -> None:
    before, numbered, _ = name.partition("%b")
    names = [name.replace("%%", "%")]
    if numbered:
        group, _, start = before.rpartition("/")
        parent = file.get(group or "/")
        there = parent if isinstance(parent, h5py.Group) else ()
        names = [f"{group}/{each}" for each in there if each.startswith(start)]
    for each in names:
        _check_links(file, f"/{each}", start, hops)
        if isinstance(source := file.get(each), h5py.Dataset):
            _check_data(source, start, hops)


@contextmanager
def _elsewhere(
    name: str, folder: Path, start: h5py.Group
) -> Iterator[h5py.File | None]:
    """Open another file, where it may be; None where HDF5 will fail to."""
    path = located(name, folder)
    if path is None:
        yield None
        return
    _check_inside(path, start)
    try:
        file = open_hdf5(path)
    except (EmdFlatfieldError, OSError):
        yield None
        return
    with file:
        yield file


def _check_inside(path: Path, start: h5py.Group) -> None:
    real, home = path.resolve(), Path(start.file.filename).resolve().parent
    if real.exists() and not real.is_file():
        # To open a pipe or a device may take for ever.
        raise OSError(f"{real} is not a file")
    if not real.is_relative_to(home):
        raise NotFollowedError(
            f"it shows data of {real}, which is outside of {home} and is not "
            "followed; read(…, follow_external=True) follows everything"
        )


def _own_file(node: h5py.Group | h5py.Dataset) -> h5py.File:
    """The file an object is in, whichever file has led to it."""
    return h5py.File(h5py.h5i.get_file_id(node.id))


def _folder(node: h5py.Group | h5py.Dataset) -> Path:
    return Path(_own_file(node).filename).parent
