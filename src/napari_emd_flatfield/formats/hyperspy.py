"""HyperSpy's own files: https://hyperspy.org/rosettasciio/file_specification.

    /                       @file_format = "HyperSpy"
    /Experiments/<title>/   data (…, y, x), axis-0 … axis-N, metadata,
                            original_metadata
        axis-i              @name @units @scale @offset @navigate, or a dataset
                            `axis` with each coordinate

Axes that navigate come first, those of the signal last.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

from ..signal import Axis, Signal
from .arrays import array_of
from .attributes import attributes, metadata
from .display import in_display_order
from .paths import stem
from .roles import role_of
from .skipping import skipping
from .tree import child, is_image
from .values import value_of

if TYPE_CHECKING:
    from ..lazy.files import SharedFile
    from .nodes import Nodes

_EXPERIMENTS = "Experiments"
_METADATA = ("metadata", "original_metadata")


def recognises(nodes: Nodes) -> bool:
    """Whether HyperSpy wrote a file.

    Parameters
    ----------
    nodes
        All groups and datasets of the file, root first.
    """
    return bool(_experiments(nodes[0]))


def signals(file: SharedFile, nodes: Nodes) -> list[Signal]:
    """Make a signal of every experiment that is an image.

    Parameters
    ----------
    file
        The file, for lazy reading.
    nodes
        All its groups and datasets, root first.
    """
    found = []
    for group in _experiments(nodes[0]):
        with skipping(file, group.name):
            found.append(_signal(file, group))
    return found


def _experiments(root: h5py.Group) -> list[h5py.Group]:
    above = child(root, _EXPERIMENTS)
    if not isinstance(above, h5py.Group):
        return []
    groups = [child(above, name) for name in above]
    return [
        group
        for group in groups
        if isinstance(group, h5py.Group)
        and "axis-0" in group
        and is_image(child(group, "data"))
    ]


def _signal(file: SharedFile, group: h5py.Group) -> Signal:
    dataset = child(group, "data")
    assert isinstance(dataset, h5py.Dataset)
    vectors = [child(group, f"axis-{i}") for i in range(dataset.ndim)]
    described = [attributes(vector) if vector is not None else {} for vector in vectors]
    axes = [
        _axis(child(group, f"axis-{i}/axis"), values, size)
        for i, (values, size) in enumerate(zip(described, dataset.shape, strict=True))
    ]
    navigating = [bool(values.get("navigate")) for values in described]
    data, ordered = in_display_order(
        array_of(file, dataset), axes, by_name=navigating.count(False) != 2
    )
    return Signal(
        name=stem(group.name),
        data=data,
        axes=ordered,
        role=role_of(stem(group.name)),
        metadata={
            key: metadata(node)
            for key in _METADATA
            if isinstance(node := child(group, key), h5py.Group)
        },
        path=file.path,
        dataset=dataset.name,
    )


def _axis(listed: Any, described: dict[str, Any], size: int) -> Axis:
    name, units = (_text(described.get(key)) for key in ("name", "units"))
    if isinstance(listed, h5py.Dataset) and listed.shape == (size,):
        return Axis(name, units, value_of(listed))
    scale, offset = described.get("scale"), described.get("offset", 0.0)
    if not scale or not np.isfinite(scale) or not np.isfinite(offset):
        return Axis.index(size, name)
    return Axis(name, units, offset + scale * np.arange(size))


def _text(value: Any) -> str:
    # HyperSpy writes what is not set as "<undefined>" or as "_None_".
    return value if isinstance(value, str) and value[:1] not in ("<", "_") else ""
