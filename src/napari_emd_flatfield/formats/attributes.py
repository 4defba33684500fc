"""HDF5 attributes as plain Python values, whoever wrote them.

A string may be stored as str, bytes (UTF-8 or latin-1), a NumPy string or an
array of one of these (https://github.com/silx-kit/silx/issues/2292).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

from ..lazy.following import opened
from .skipping import warn
from .tree import identity
from .values import value_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Set

# Metadata are small; a larger vector, or a matrix larger than this, is data.
_LARGEST_VECTOR = 4096
_LARGEST_MATRIX = 64
_LARGEST_VALUE = 2**16
_DEEPEST_GROUP = 16
_MOST_ATTRIBUTES = 4096

# A damaged or exotic attribute (opaque, unknown reference) hides no data.
UNREADABLE = (OSError, RuntimeError, TypeError, ValueError, KeyError)


def decode(value: Any) -> Any:
    """Turn what h5py returns for an attribute into a plain Python value.

    Parameters
    ----------
    value
        An attribute or the content of a small dataset.

    Returns
    -------
    str, bool, int, float, complex, list or None
        None for an empty dataspace or a reference; one-element arrays become
        scalars.
    """
    if isinstance(value, h5py.Empty | h5py.Reference):
        return None
    if isinstance(value, list):
        return [decode(item) for item in value]
    if isinstance(value, str) and not value.isascii():
        # h5py keeps bytes that are not UTF-8 as surrogates.
        value = value.encode("utf-8", "surrogateescape")
    if isinstance(value, bytes):
        try:
            return value.decode("utf-8")
        except UnicodeDecodeError:
            return value.decode("latin-1")
    if isinstance(value, np.ndarray):
        if value.size == 1:
            return decode(value.reshape(-1)[0])
        return [decode(item) for item in value.tolist()]
    if isinstance(value, np.void) or value is None:
        return None if value is None else str(value)
    if isinstance(value, np.generic):
        return decode(value.item())
    return value


def attributes(
    node: h5py.Group | h5py.Dataset, but: Set[str] = frozenset()
) -> dict[str, Any]:
    """Read all attributes of a node that can be read.

    Parameters
    ----------
    node
        A group or dataset.
    but
        Names of attributes to leave out: to read one takes its time.
    """
    return dict(_readable(node, but))


def attribute_names(node: h5py.Group | h5py.Dataset) -> list[str]:
    """List the attributes of a node, but not a million.

    Parameters
    ----------
    node
        A group or dataset.

    Returns
    -------
    list of str
        All, or the first 4096 with a warning.
    """
    return [decode(name) for name in _stored_names(node)]


def _stored_names(node: h5py.Group | h5py.Dataset) -> list[bytes]:
    found: list[bytes] = []

    def collect(name: bytes) -> bool | None:
        if len(found) == _MOST_ATTRIBUTES:
            return True
        found.append(name)
        return None

    # Any other order would have HDF5 open all of them first.
    if h5py.h5a.iterate(node.id, collect, order=h5py.h5.ITER_NATIVE):
        number = h5py.h5a.get_num_attrs(node.id)
        warn(
            f"{node.file.filename}:{node.name} has {number} attributes; the first "
            f"{_MOST_ATTRIBUTES} are read"
        )
    return found


def _readable(
    node: h5py.Group | h5py.Dataset, but: Set[str]
) -> Iterator[tuple[str, Any]]:
    stored = node.attrs
    for key in _stored_names(node):
        name = decode(key)
        if name in but:
            continue
        try:
            yield name, decode(_described(stored[key]))
        except UNREADABLE:
            continue


def _described(value: Any) -> Any:
    if isinstance(value, np.ndarray) and value.size > _LARGEST_VALUE:
        return f"{value.shape} values of {value.dtype}, not read"
    return value


def text(node: h5py.Group | h5py.Dataset, *keys: str) -> str:
    """Read the first of several attributes that is present, as text.

    Parameters
    ----------
    node
        A group or dataset.
    *keys
        Names to try, e.g. ``"units", "unit"``.

    Returns
    -------
    str
        Empty when none of them is there.
    """
    stored = node.attrs
    for key in keys:
        try:
            value = decode(stored[key])
        except UNREADABLE:  # a KeyError where there is none
            continue
        return "" if value is None or value == [] else str(value)
    return ""


def metadata(group: h5py.Group) -> dict[str, Any]:
    """Read a group of metadata: attributes, small datasets and groups in it.

    Parameters
    ----------
    group
        E.g. ``/microscope``. What lies more than 16 groups down is not read, and
        what has several names comes under the first.

    Returns
    -------
    dict
        Nested plain values.
    """
    return _nested(group, 0, {identity(group)})


def _nested(group: h5py.Group, depth: int, seen: set[object]) -> dict[str, Any]:
    found = attributes(group)
    if depth >= _DEEPEST_GROUP:
        return found
    for key in group:
        if not isinstance(group.get(key, getlink=True), h5py.HardLink):
            continue
        try:
            child = opened(group, key)
            if isinstance(child, h5py.Group):
                if identity(child) not in seen:
                    seen.add(identity(child))
                    found[decode(key)] = _nested(child, depth + 1, seen)
            elif isinstance(child, h5py.Dataset) and is_small(child):
                found[decode(key)] = decode(value_of(child))
        except UNREADABLE:
            continue
    return found


def is_small(dataset: h5py.Dataset) -> bool:
    """Whether a dataset is a value that describes data, rather than data.

    Parameters
    ----------
    dataset
        Any dataset.
    """
    largest = _LARGEST_VECTOR if len(dataset.shape or ()) < 2 else _LARGEST_MATRIX
    return (dataset.size or 0) <= largest
