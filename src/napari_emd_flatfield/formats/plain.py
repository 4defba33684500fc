"""Plain HDF5: every numeric array of two or more axes is an image.

/data/0000 /data/0100 …  2-D datasets of one shape and dtype whose names are
                         integers: one stack named after its group, the
                         numbers its leading coordinate
/anything/else           one signal a dataset, in pixels
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np

from ..lazy import StackedArray
from ..signal import Axis, Signal
from .arrays import array_of
from .attributes import attributes
from .roles import role_of
from .tree import is_image, stem, unique_names

if TYPE_CHECKING:
    from collections.abc import Sequence

    import h5py

    from ..lazy.files import SharedFile
    from .tree import Node

# What the leading axis of a stack of numbered frames counts.
POSITION = "position"


def recognises(nodes: Sequence[Node]) -> bool:  # noqa: ARG001 - as all dialects
    """Accept any HDF5 file: this dialect is the last resort.

    Parameters
    ----------
    nodes
        All groups and datasets of the file, root first.
    """
    return True


def signals(file: SharedFile, nodes: Sequence[Node]) -> list[Signal]:
    """Make a signal of every image and of every series of numbered images.

    Parameters
    ----------
    file
        The file, for lazy reading.
    nodes
        All its groups and datasets, root first.
    """
    series: dict[object, list[h5py.Dataset]] = defaultdict(list)
    for node in nodes:
        if is_image(node):
            series[_series_of(node)].append(node)
    paths = [
        _group_of(members[0]) if _is_numbered(members[0]) else members[0].name
        for members in series.values()
    ]
    names = [name or file.path.stem for name in unique_names(paths)]
    return [
        _signal(file, members, path, name)
        for members, path, name in zip(series.values(), paths, names, strict=True)
    ]


def single(file: SharedFile, dataset: h5py.Dataset) -> Signal:
    """Make a signal of one dataset, whatever its neighbours.

    Parameters
    ----------
    file
        The file, for lazy reading.
    dataset
        A dataset that holds an image.
    """
    return _signal(file, [dataset], dataset.name, stem(dataset.name))


def _is_numbered(dataset: h5py.Dataset) -> bool:
    return dataset.ndim == 2 and stem(dataset.name).isdecimal()


def _group_of(dataset: h5py.Dataset) -> str:
    return str(dataset.name).rpartition("/")[0] or "/"


def _series_of(dataset: h5py.Dataset) -> object:
    if _is_numbered(dataset):
        return _group_of(dataset), dataset.shape, dataset.dtype
    return dataset.name


def _signal(
    file: SharedFile, members: Sequence[h5py.Dataset], path: str, name: str
) -> Signal:
    ordered = sorted(members, key=_number) if len(members) > 1 else members
    frames = [array_of(file, dataset) for dataset in ordered]
    data = frames[0] if len(frames) == 1 else StackedArray(frames)
    names = [""] * (data.ndim - 2) + ["y", "x"]
    axes = [Axis.index(n, key) for n, key in zip(data.shape, names, strict=True)]
    if len(frames) > 1:
        numbers = np.array([_number(dataset) for dataset in ordered])
        axes[0] = Axis(POSITION, "", numbers)
    return Signal(
        name=name,
        data=data,
        axes=tuple(axes),
        role=role_of(path),
        metadata=attributes(ordered[0]),
        path=file.path,
        dataset=path,
    )


def _number(dataset: h5py.Dataset) -> int:
    return int(stem(dataset.name))
