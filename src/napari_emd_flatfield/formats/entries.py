"""What a file holds, name by name: the facts that a listing or a tree shows.

Unlike `tree.walk`, which visits objects, this follows names: an object with
two names has two entries, and a link that leads nowhere has one as well.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import h5py

from ..errors import EmdFlatfieldError, ReadError
from ..lazy import is_complex_compound
from ..lazy.following import following, opened
from .paths import inside
from .storage import Storage, storage
from .tree import dtype_of, is_image

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np

    from ..lazy.files import SharedFile

Kind = Literal["group", "image", "dataset", "datatype", "missing"]
Link = Literal["hard", "soft", "external"]

# What h5py lets out for a damaged object, a dangling link or an unknown type.
DAMAGE = (OSError, RuntimeError, KeyError, ValueError, TypeError)


@dataclass(frozen=True)
class Entry:
    """One name in a group, and what it leads to.

    Parameters
    ----------
    name, path
        The name, and all names from the root that lead to it.
    kind
        What is there; ``"image"`` is a dataset that can be shown as one.
    link
        How the name leads there.
    target
        Where a soft or external link points to; empty for a hard one.
    count
        Number of names in a group.
    is_complex
        Whether it holds complex numbers.
    storage
        Of a dataset.
    """

    name: str
    path: str
    kind: Kind
    link: Link = "hard"
    target: str = ""
    count: int = 0
    is_complex: bool = False
    storage: Storage | None = None

    @property
    def may_hold_image(self) -> bool:
        """Whether it is an image, or a group, which may be one of several parts."""
        return self.kind in ("image", "group")


def names(file: SharedFile, path: str) -> list[str]:
    """List the names in a group, in the file's order.

    Parameters
    ----------
    file
        The file.
    path
        HDF5 path of the group.

    Raises
    ------
    ReadError
        If there is no such group, or it is damaged.
    """
    with damage_named(file, path):
        return list(file.node(path))


def entries(file: SharedFile, path: str, chosen: list[str]) -> list[Entry]:
    """Look at some of the names in a group.

    Parameters
    ----------
    file
        The file.
    path
        HDF5 path of the group.
    chosen
        Names in it.

    Returns
    -------
    list of Entry
        One a name. A dangling link or damaged object is one of kind
        ``"missing"``.

    Raises
    ------
    ReadError
        If there is no such group.
    """
    with damage_named(file, path):
        group = file.node(path)
        with following(file.follow_external):
            return [_entry(group, path, name) for name in chosen]


def root(file: SharedFile) -> Entry:
    """Look at the root group.

    Parameters
    ----------
    file
        The file.

    Raises
    ------
    FileOpenError
        If it is not a readable HDF5 file.
    """
    with damage_named(file, "/"):
        return Entry("/", "/", "group", count=len(file.handle()))


@contextmanager
def damage_named(file: SharedFile, path: str) -> Iterator[None]:
    """Turn what h5py raises into an error that says where and what.

    Parameters
    ----------
    file
        The file being read.
    path
        HDF5 path of the object being read.

    Raises
    ------
    ReadError
        In place of errors of HDF5.
    """
    try:
        with file.held():
            yield
    except EmdFlatfieldError:
        raise
    except DAMAGE as error:
        # A KeyError would put its message in quotes.
        reason = error.args[0] if error.args else type(error).__name__
        raise ReadError(
            f"{file.path}:{path} cannot be read: {reason}; if it is being written, "
            "look again in a moment"
        ) from error


def _entry(group: h5py.Group, path: str, name: str) -> Entry:
    link, target = _link(group, name)
    path = inside(path, name)
    try:
        node = opened(group, name)
        if isinstance(node, h5py.Group):
            return Entry(name, path, "group", link, target, count=len(node))
        if isinstance(node, h5py.Dataset):
            return Entry(
                name,
                path,
                "image" if is_image(node) else "dataset",
                link,
                target,
                is_complex=_is_complex(dtype_of(node)),
                storage=storage(node),
            )
        return Entry(name, path, "datatype", link, target)
    except DAMAGE:
        return Entry(name, path, "missing", link, target)


def _link(group: h5py.Group, name: str) -> tuple[Link, str]:
    try:
        link = group.get(name, getlink=True)
    except DAMAGE:
        return "hard", ""
    if isinstance(link, h5py.SoftLink):
        return "soft", str(link.path)
    if isinstance(link, h5py.ExternalLink):
        return "external", f"{link.filename}:{link.path}"
    return "hard", ""


def _is_complex(dtype: np.dtype[Any]) -> bool:
    return dtype.kind == "c" or is_complex_compound(dtype)
