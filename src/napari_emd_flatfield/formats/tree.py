"""A walk through an HDF5 file that survives whatever links it meets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import h5py

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TypeAlias

    Node: TypeAlias = h5py.Group | h5py.Dataset


def walk(group: h5py.Group) -> Iterator[Node]:
    """Visit every group and dataset below a group once, parents first.

    Parameters
    ----------
    group
        Where to start; comes first itself.

    Yields
    ------
    h5py.Group or h5py.Dataset
        Objects in the order of their names. Dangling links and named datatypes
        are passed over; an object with several names comes once, so cycles end.
    """
    seen = {_identity(group)}
    pending: list[Node] = [group]
    while pending:
        node = pending.pop()
        yield node
        if not isinstance(node, h5py.Group):
            continue
        children = []
        for name in node:
            found = child(node, name)
            if found is not None and _identity(found) not in seen:
                seen.add(_identity(found))
                children.append(found)
        pending.extend(reversed(children))


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
    try:
        node = group[name]
    except (KeyError, OSError, RuntimeError):
        return None
    return node if isinstance(node, h5py.Group | h5py.Dataset) else None


def _identity(node: Node) -> tuple[int, object]:
    info = h5py.h5o.get_info(node.id)
    return info.fileno, info.addr


def is_image(node: object) -> bool:
    """Whether a node is a numeric array of at least two axes and one real frame.

    Parameters
    ----------
    node
        Any HDF5 object.
    """
    if not isinstance(node, h5py.Dataset) or not node.shape or len(node.shape) < 2:
        return False
    if node.dtype.kind not in "biufc" or node.dtype.subdtype is not None:
        return False
    return bool(node.size) and node.shape[-2:] != (1, 1)


def stem(path: str) -> str:
    """Last part of an HDF5 path."""
    return path.rstrip("/").rpartition("/")[2]


def unique_names(paths: list[str]) -> list[str]:
    """Name objects by the shortest end of their path that tells them apart.

    Parameters
    ----------
    paths
        Different HDF5 paths.

    Returns
    -------
    list of str
        ``["a", "x/data", "y/data"]`` for ``["/a", "/x/data", "/y/data"]``.
    """
    parts = [path.strip("/").split("/") for path in paths]
    lengths = [1] * len(parts)
    while True:
        names = ["/".join(p[-n:]) for p, n in zip(parts, lengths, strict=True)]
        clashing = {name for name in names if names.count(name) > 1}
        longer = [
            n + (name in clashing and n < len(p))
            for n, name, p in zip(lengths, names, parts, strict=True)
        ]
        if longer == lengths:
            return names
        lengths = longer
