"""What a file says about what is in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import h5py

from ..lazy.following import following
from .attributes import attribute_names, attributes, decode, is_small
from .entries import damage_named
from .tree import child, is_image
from .values import value_of

if TYPE_CHECKING:
    from ..lazy.files import SharedFile

# Shown in place of a value that HDF5 or h5py cannot make sense of.
_UNREADABLE = "(cannot be read)"


def described(file: SharedFile, path: str) -> dict[str, Any]:
    """Read what a file says of an object: its attributes, and a small value.

    Parameters
    ----------
    file
        The file.
    path
        HDF5 path of the object.

    Returns
    -------
    dict
        Attributes as plain values; under ``""`` the content of a small dataset
        that is no image.

    Raises
    ------
    ReadError
        If there is no such object.
    """
    found: dict[str, Any] = {}
    with damage_named(file, path):
        node = file.node(path)
        if isinstance(node, h5py.Dataset) and is_small(node) and not is_image(node):
            found[""] = decode(value_of(node))
        found |= dict.fromkeys(attribute_names(node), _UNREADABLE)
        return found | attributes(node)


def comments(file: SharedFile) -> dict[str, Any]:
    """Read the comments an EMD file keeps in a root group of that name.

    Parameters
    ----------
    file
        Any HDF5 file.

    Returns
    -------
    dict
        Comments by when they were made; empty when there are none.

    Raises
    ------
    ReadError
        If the file is damaged.
    """
    with damage_named(file, "/comments"):
        for name in ("comments", "Comments"):
            with following(file.follow_external):
                node = child(file.handle(), name)
            if isinstance(node, h5py.Group):
                return attributes(node)
        return {}
