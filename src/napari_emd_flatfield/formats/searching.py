"""Finding names in a file of any size."""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING

import h5py

from .entries import DAMAGE, damage_named, names
from .paths import inside

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..lazy.files import SharedFile


def matches(path: str, text: str) -> bool:
    """Whether a search finds an object.

    Parameters
    ----------
    path
        Its HDF5 path.
    text
        Part of its name; with a slash in it, part of its path. Case is ignored.
    """
    place = path if "/" in text else path.rpartition("/")[2]
    return text.lower() in place.lower()


def groups_above(path: str) -> list[str]:
    """HDF5 paths of the groups that lead to an object, outer ones first.

    Parameters
    ----------
    path
        HDF5 path of the object. The root group is left out.
    """
    names = path.strip("/").split("/")[:-1]
    return list(accumulate(names, inside, initial="/"))[1:]


def every_path(file: SharedFile) -> Iterator[str]:
    """Go through all names in a file.

    Parameters
    ----------
    file
        The file.

    Yields
    ------
    str
        HDF5 paths, group by group. Links are among them but not followed; the
        content of a group with two names comes once.

    Raises
    ------
    ReadError
        If a group is damaged.
    """
    with damage_named(file, "/"):
        seen = {_identity(file.handle(), ".")}
    pending = ["/"]
    while pending:
        path = pending.pop()
        groups = []
        for each in [inside(path, name) for name in names(file, path)]:
            yield each
            with damage_named(file, each):
                identity = _identity(file.handle(), each)
            if identity is not None and identity not in seen:
                seen.add(identity)
                groups.append(each)
        pending.extend(reversed(groups))


def _identity(file: h5py.File, path: str) -> object:
    """What all names of one group have in common; None unless it is a group."""
    try:
        info = h5py.h5g.get_objinfo(
            file.id, path.encode("utf-8", "surrogateescape"), follow_link=False
        )
    except DAMAGE:
        return None
    return info.objno if info.type == h5py.h5g.GROUP else None
