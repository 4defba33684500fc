"""Detector masters: one file that links to the files with the frames.

    entry/data/          data_000001, data_000002 …: external links, each to a
                         dataset (n, y, x) with attribute image_nr_low
    entry/instrument/detector/      x_pixel_size, y_pixel_size, count_time…

Dectris detectors (Eiger, Arina) write them. Newer ones add a virtual dataset of
the same frames, which shows zeros where a file is missing; the links tell.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import h5py
import numpy as np

from ..lazy import ConcatenatedArray, LazyArray
from ..signal import Signal
from .arrays import array_of
from .attributes import attributes
from .detector import axes_of_frames
from .nexus import Entries
from .paths import stem, unique_names
from .roles import role_of
from .skipping import skipping, warn
from .tree import child, is_image, names

if TYPE_CHECKING:
    from ..lazy.files import SharedFile
    from .nodes import Nodes
    from .tree import Node

_PART = re.compile(r"data_(\d+)")


def recognises(nodes: Nodes) -> bool:
    """Whether a file links to numbered files of frames.

    Parameters
    ----------
    nodes
        All groups and datasets of the file, root first.
    """
    return any(_is_master(node) for node in nodes)


def signals(file: SharedFile, nodes: Nodes) -> list[Signal]:
    """Make one stack of all frames a master links to, as far as they are there.

    Parameters
    ----------
    file
        The file, for lazy reading.
    nodes
        All its groups and datasets, root first.
    """
    groups = [node for node in nodes if _is_master(node)]
    names = unique_names([group.name for group in groups])
    entries = Entries(nodes)
    found = []
    for group, name in zip(groups, names, strict=True):
        with skipping(file, group.name):
            found.append(_signal(file, group, name, entries))
    return found


def _is_master(node: Node) -> bool:
    if not isinstance(node, h5py.Group) or stem(node.name) != "data":
        return False
    parts = [name for name in names(node) if _PART.fullmatch(name)]
    external = (
        isinstance(node.get(name, getlink=True), h5py.ExternalLink) for name in parts
    )
    return any(external) and any(is_image(child(node, name)) for name in parts)


def _signal(file: SharedFile, group: h5py.Group, name: str, entries: Entries) -> Signal:
    stacks: list[LazyArray] = []
    numbers: list[np.ndarray] = []
    first = 1
    for part in sorted(filter(_PART.fullmatch, group), key=_number):
        dataset = child(group, part)
        if not is_image(dataset):
            continue  # the walk has named the file that is missing
        stack = array_of(file, dataset)
        if stacks and _kind(stack) != _kind(stacks[0]):
            warn(f"{file.path}:{dataset.name} is left out: its frames do not fit")
            continue
        # Missing files leave gaps in the numbers, not in the stack.
        first = int(attributes(dataset).get("image_nr_low") or first)
        stacks.append(stack)
        numbers.append(np.arange(first - 1, first - 1 + len(stack)))
        first += len(stack)
    data = ConcatenatedArray(stacks)
    entry = group.name.rpartition("/")[0]
    detector = child(group.file, f"{entry}/instrument/detector")
    return Signal(
        name=name,
        data=data,
        axes=axes_of_frames(data.shape, np.concatenate(numbers), detector),
        role=role_of(group.name),
        metadata=entries.of(group.name),
        path=file.path,
        dataset=group.name,
    )


def _kind(stack: LazyArray) -> object:
    return stack.shape[1:], stack.dtype


def _number(part: str) -> int:
    return int(part.rpartition("_")[2])
