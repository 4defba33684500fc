"""Links on the way to an object, and which files they may lead to.

HDF5 follows links to any file of the disk without a word. So each is looked at before
HDF5 gets to it.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import h5py

from ..errors import EmdFlatfieldError, ReadError
from .opening import open_hdf5

if TYPE_CHECKING:
    from collections.abc import Iterator

# Links may lead to links; more of them than this are a circle.
_MOST_LINKS = 40


class NotFollowedError(ReadError):
    """Something leads to where it is not followed."""


def check_links(
    group: h5py.Group, path: str, start: h5py.Group | None, links: int = 0
) -> list[Path]:
    """Make sure that no link on the way leads where it must not.

    Parameters
    ----------
    group
        Where the way begins.
    path
        HDF5 path, from there. What is not there is left to HDF5 to complain of.
    start
        An object of the file that was opened, in whose folder or below all files
        have to be; None if they may be anywhere.
    links
        How many were followed to come here.

    Returns
    -------
    list of Path
        Other files on the way.

    Raises
    ------
    NotFollowedError
        If a file is not where it may be, or a pipe or a device.
    KeyError
        If the links lead in a circle.
    """
    if path.startswith("/"):
        group = own_file(group)["/"]
    parts = [part for part in path.split("/") if part not in ("", ".")]
    for i, part in enumerate(parts):
        here, name = group.id.links, part.encode("utf-8", "surrogateescape")
        if not here.exists(name):
            return []
        kind = here.get_info(name).type
        rest = "/".join(parts[i + 1 :])
        if kind != h5py.h5l.TYPE_HARD and links >= _MOST_LINKS:
            raise KeyError(f"links lead in a circle: {path}")
        if kind == h5py.h5l.TYPE_SOFT:
            target = os.fsdecode(here.get_val(name))
            return check_links(group, f"{target}/{rest}", start, links + 1)
        if kind == h5py.h5l.TYPE_EXTERNAL:
            file_name, target = map(os.fsdecode, here.get_val(name))
            found = located(file_name, Path(own_file(group).filename).parent)
            if found is None:
                return []
            with _elsewhere(found, start) as other:
                if other is None:
                    return [found]
                return [
                    found,
                    *check_links(other, f"/{target}/{rest}", start, links + 1),
                ]
        if rest:
            group = group[part]
            if not isinstance(group, h5py.Group):
                return []
    return []


def check_inside(path: Path, start: h5py.Group | None) -> None:
    """Make sure that a file may be looked into.

    Parameters
    ----------
    path
        The file, which need not exist.
    start
        As for `check_links`.

    Raises
    ------
    NotFollowedError
        As `check_links` raises it.
    """
    real = path.resolve()
    if real.exists() and not real.is_file():
        # To open a pipe or a device may take for ever.
        raise NotFollowedError(f"it shows data of {real}, which is not a file")
    if start is None:
        return
    home = Path(start.file.filename).resolve().parent
    if not real.is_relative_to(home):
        raise NotFollowedError(
            f"it shows data of {real}, which is outside of {home} and is not "
            "followed; read(…, follow_external=True) follows everything"
        )


@contextmanager
def _elsewhere(path: Path, start: h5py.Group | None) -> Iterator[h5py.File | None]:
    """Open another file, where it may be; None where HDF5 will fail to."""
    check_inside(path, start)
    try:
        file = open_hdf5(path)
    except (EmdFlatfieldError, OSError):
        yield None
        return
    with file:
        yield file


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


def own_file(node: h5py.Group | h5py.Dataset) -> h5py.File:
    """Return the file an object is in, whichever file has led to it.

    Parameters
    ----------
    node
        Any object.
    """
    return h5py.File(h5py.h5i.get_file_id(node.id))
