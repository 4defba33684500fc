"""A walk through an HDF5 file that survives whatever links it meets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeGuard

import h5py
import numpy as np

from ..lazy import is_complex_compound
from ..lazy.following import opened
from ..lazy.links import NotFollowedError
from .elsewhere import Elsewhere, elsewhere
from .paths import inside, stem
from .skipping import listed, warn

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TypeAlias

    Node: TypeAlias = h5py.Group | h5py.Dataset


# The coordinates of a longer axis would take more than 1 GiB.
_LONGEST_AXIS = 2**27

# To look at so many takes some seconds.
_MOST_NAMES = 20_000


def walk(group: h5py.Group, asked: str = "") -> Iterator[Node]:
    """Visit every group and dataset below a group once, parents first.

    Parameters
    ----------
    group
        Where to start; comes first itself.
    asked
        HDF5 path of what is asked for. Of a file of more than 20,000 names only
        so many are looked at, with a warning; and this one, and what is in it.

    Yields
    ------
    h5py.Group or h5py.Dataset
        Objects in the order of their names, under names by which this file
        reaches them. Dangling links and named datatypes are passed over, those
        to missing files with a warning; an object with several names comes
        once, so cycles end.
    """
    seen = {start := identity(group)}
    pending: list[Node] = [group]
    missing: list[str] = []
    endless: list[str] = []
    refused: list[str] = []
    left = _MOST_NAMES
    # A file that is closed and opened again has a new identity, and no end.
    kept: list[Node] = []
    while pending:
        node = pending.pop()
        yield node
        if not isinstance(node, h5py.Group):
            if len(node.shape or ()) > 1 and max(node.shape) > _LONGEST_AXIS:
                endless.append(f"{node.name} {node.shape}")
            continue
        children = []
        for name in names(node):
            left -= 1
            if left < 0 and not _leads(inside(node.name, name), asked):
                continue
            found = _reached(node, name)
            if found is None:
                missing.extend(_missing_file(node, name))
                refused.extend(_refused(node, name))
            elif (itself := identity(found)) not in seen:
                seen.add(itself)
                if isinstance(node, Elsewhere) or itself[0] != start[0]:
                    found = elsewhere(found, inside(node.name, name), node.file)
                    kept.append(found)
                children.append(found)
        pending.extend(reversed(children))
    if left < 0:
        warn(
            f"{group.file.filename} holds more than {_MOST_NAMES} objects; it was not "
            "looked through for images any further. Ask for others by their HDF5 "
            'path: read(path, dataset="…")'
        )
    if endless:
        warn(
            f"{group.file.filename} declares arrays of a length that no image has, "
            f"which are left out: {listed(endless)}"
        )
    if refused:
        warn(f"{group.file.filename} is not shown whole: {listed(refused)}")
    if missing:
        warn(
            f"{group.file.filename} links to files that are missing or damaged, so "
            f"what they hold is left out: {listed(missing)}"
        )


def _leads(path: str, asked: str) -> bool:
    """Whether a path is on the way to what is asked for, or directly in it."""
    return f"{asked}/".startswith(f"{path}/") or path.rpartition("/")[0] == asked


def child(group: h5py.Group, name: str) -> Node | None:
    """Follow a link whatever its kind, and survive it whatever its state.

    Parameters
    ----------
    group
        Where the link is.
    name
        Name of the link.

    Returns
    -------
    h5py.Group, h5py.Dataset or None
        None for a dangling link and for anything else, like a named datatype.
    """
    node = _reached(group, name)
    if node is None:
        return None
    if isinstance(group, Elsewhere) or identity(node)[0] != identity(group)[0]:
        return elsewhere(node, inside(group.name, name), group.file)
    return node


def _reached(group: h5py.Group, name: str) -> Node | None:
    try:
        node = opened(group, name)
    except (KeyError, OSError, RuntimeError, ValueError):
        return None
    return node if isinstance(node, h5py.Group | h5py.Dataset) else None


def children(group: h5py.Group) -> Iterator[tuple[str, Node]]:
    """Follow all links in a group.

    Parameters
    ----------
    group
        Any group.

    Yields
    ------
    str, h5py.Group or h5py.Dataset
        Name and object, in the order of the names; what `child` finds nothing
        behind is passed over.
    """
    for name in names(group):
        node = child(group, name)
        if node is not None:
            yield name, node


def identity(node: Node) -> tuple[int, object]:
    """Tell objects apart whatever they are called: equal for two names of one.

    Parameters
    ----------
    node
        A group or dataset.
    """
    # The older of HDF5's two calls: the other adds up all that a group takes.
    info = h5py.h5g.get_objinfo(node.id)
    return info.fileno, info.objno


def names(group: h5py.Group) -> list[str]:
    """List the links in a group, warning of those that cannot be followed.

    Parameters
    ----------
    group
        Any group.
    """
    try:
        found = list(group)
    except (OSError, RuntimeError) as error:
        warn(f"{group.file.filename}:{group.name} cannot be listed: {error}")
        return []
    # h5py gives names that are not UTF-8 as bytes, and paths with them, too.
    if unnamable := [name for name in found if isinstance(name, bytes)]:
        warn(
            f"{group.file.filename}:{group.name} holds what has no name in UTF-8, "
            f"left out: {unnamable}"
        )
        return [name for name in found if isinstance(name, str)]
    return found


def _refused(group: h5py.Group, name: str) -> Iterator[str]:
    try:
        opened(group, name)
    except NotFollowedError as error:
        yield f"{inside(group.name, name)} ({error})"
    except (KeyError, OSError, RuntimeError, ValueError):
        return


def _missing_file(group: h5py.Group, name: str) -> Iterator[str]:
    if any(_refused(group, name)):
        return
    link = group.get(name, getlink=True)
    if isinstance(link, h5py.ExternalLink):
        yield f"{link.filename} ({stem(group.name)}/{name})"


def is_image(node: object) -> TypeGuard[h5py.Dataset]:
    """Whether a node is a numeric array of at least two axes and one real frame.

    Parameters
    ----------
    node
        Any HDF5 object.
    """
    return is_array(node) and is_frame(node.shape)


def is_array(node: object) -> TypeGuard[h5py.Dataset]:
    """Whether a node is a numeric array of at least two axes.

    Parameters
    ----------
    node
        Any HDF5 object.
    """
    if not isinstance(node, h5py.Dataset) or len(node.shape or ()) < 2:
        return False
    if max(node.shape) > _LONGEST_AXIS:
        return False
    dtype = dtype_of(node)
    return dtype.kind in "biufc" or is_complex_compound(dtype)


def is_frame(shape: tuple[int, ...]) -> bool:
    """Whether an array of this shape holds at least one frame of several pixels.

    Parameters
    ----------
    shape
        Frames last.
    """
    sound = len(shape) >= 2 and 0 not in shape and max(shape) <= _LONGEST_AXIS
    return sound and shape[-2:] != (1, 1)


def dtype_of(dataset: h5py.Dataset) -> np.dtype[Any]:
    """Type of a dataset's elements; an opaque one where NumPy has none like it.

    Parameters
    ----------
    dataset
        Any dataset, also one of HDF5's dates.
    """
    try:
        dtype: np.dtype[Any] = dataset.dtype
    except TypeError:
        return np.dtype("V1")
    return dtype
