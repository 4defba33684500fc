"""All that a walk through a file has found, looked at once for all dialects."""

from __future__ import annotations

from collections import defaultdict
from functools import cached_property
from typing import TYPE_CHECKING

import h5py

from .attributes import text
from .tree import child, names

if TYPE_CHECKING:
    from .tree import Node

EMD_TYPE = "emd_group_type"


class Nodes(tuple["Node", ...]):
    """The groups and datasets of a file, root first, as `walk` finds them."""

    @cached_property
    def by_path(self) -> dict[str, Node]:
        """All of them, by their HDF5 paths."""
        return {node.name: node for node in self}

    @cached_property
    def groups(self) -> dict[str, h5py.Group]:
        """The groups, by their HDF5 paths."""
        named = self.by_path.items()
        return {path: node for path, node in named if isinstance(node, h5py.Group)}

    @cached_property
    def _below(self) -> dict[str, dict[str, Node]]:
        """By the path of their group, and their name in it."""
        found: dict[str, dict[str, Node]] = defaultdict(dict)
        for path, node in self.by_path.items():
            group, _, name = path.rpartition("/")
            if name:
                found[group][name] = node
        return found

    def children(self, group: h5py.Group, path: str) -> dict[str, Node]:
        """What is in a group, by name, opened where it was not before.

        Parameters
        ----------
        group
            Any group.
        path
            Its HDF5 path.
        """
        known = self._below.get(path.rstrip("/"), {})
        if len(known) == len(group):
            return known
        # What has several names was found under one of them.
        found = {key: known.get(key) or child(group, key) for key in names(group)}
        return {key: node for key, node in found.items() if node is not None}

    @cached_property
    def emd_types(self) -> dict[str, str]:
        """What `emd_type` reads of the groups, by their HDF5 paths."""
        return {path: emd_type(group) for path, group in self.groups.items()}

    @cached_property
    def nx_classes(self) -> dict[str, str]:
        """What `nx_class` reads of the groups, by their HDF5 paths."""
        return {path: nx_class(group) for path, group in self.groups.items()}


def nx_class(node: Node) -> str:
    """NeXus class of a node; empty where it has none.

    Parameters
    ----------
    node
        A group or dataset.
    """
    return text(node, "NX_class")


def emd_type(node: Node) -> str:
    """Read the attribute ``emd_group_type``, whatever type it is stored as.

    Parameters
    ----------
    node
        A group or dataset.

    Returns
    -------
    str
        E.g. ``"1"`` or ``"array"``; empty for a node without one.
    """
    if not isinstance(node, h5py.Group):
        return ""
    return text(node, EMD_TYPE).removesuffix(".0")  # MATLAB has only doubles
