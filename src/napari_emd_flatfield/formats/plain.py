"""Plain HDF5: every numeric array of two or more axes is an image.

/data/0000 /data/0100 …  2-D datasets of one shape and dtype whose names are
                         integers: one stack named after its group, the
                         numbers its leading coordinate
/table                   a compound dataset of two or more axes: one signal a
                         numeric field
/anything/else           one signal a dataset, its axes described by whichever
                         custom the file follows (`customs`), or in pixels
"""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

from ..lazy import FieldArray, LazyArray, StackedArray
from ..signal import Axis, Signal
from . import customs
from .arrays import array_of
from .attributes import attributes, text
from .detector import POSITION
from .display import in_display_order
from .paths import stem, unique_names
from .roles import role_of
from .skipping import skipping
from .tree import dtype_of, is_frame, is_image

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ..lazy.files import SharedFile
    from .nodes import Nodes
    from .tree import Node

_INTEGER = re.compile(r"[+-]?\d+")


def recognises(nodes: Nodes) -> bool:  # noqa: ARG001 - as all dialects
    """Accept any HDF5 file: this dialect is the last resort.

    Parameters
    ----------
    nodes
        All groups and datasets of the file, root first.
    """
    return True


def signals(file: SharedFile, nodes: Nodes) -> list[Signal]:
    """Make a signal of every image and of every series of numbered images.

    Parameters
    ----------
    file
        The file, for lazy reading.
    nodes
        All its groups and datasets, root first.
    """
    series: dict[tuple[str, Any], list[h5py.Dataset]] = defaultdict(list)
    columns = []
    for path, node in nodes.by_path.items():
        if is_image(node):
            if not _is_text(node):
                series[_series_of(path, node)].append(node)
        else:
            columns += [(node, field) for field in _image_fields(node)]
    paths = [path for path, _ in series]
    paths += [f"{dataset.name}/{field}" for dataset, field in columns]
    names = dict(zip(paths, unique_names(paths), strict=True))
    found = []
    for members, path in zip(series.values(), paths, strict=False):
        with skipping(file, path):
            found.append(_signal(file, members, path, names[path] or file.path.stem))
    for dataset, field in columns:
        path = f"{dataset.name}/{field}"
        with skipping(file, path):
            found.append(_field(file, dataset, field, path, names[path]))
    return found


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


def fields(file: SharedFile, node: Node) -> list[Signal]:
    """Make a signal of each numeric field of a compound dataset.

    Parameters
    ----------
    file
        The file, for lazy reading.
    node
        Any node; one that is no such dataset has no fields.
    """
    return [
        _field(file, node, field, f"{node.name}/{field}", field)
        for field in _image_fields(node)
    ]


def _series_of(path: str, dataset: h5py.Dataset) -> tuple[str, Any]:
    """Path of an image, or of the group of those numbered, and what they share."""
    group, _, name = path.rpartition("/")
    if len(dataset.shape) == 2 and _INTEGER.fullmatch(name):
        return group or "/", (dataset.shape, dataset.dtype)
    return path, None


def _is_text(image: h5py.Dataset) -> bool:
    return "MATLAB_class" in image.attrs and text(image, "MATLAB_class") == "char"


def _image_fields(node: Node) -> Iterator[str]:
    """Fields of a compound dataset that are images, alone or an image an element."""
    if not isinstance(node, h5py.Dataset) or not node.shape:
        return
    dtype = dtype_of(node)
    for field in dtype.names or ():
        kind = dtype[field]
        if kind.base.kind in "biufc" and is_frame(node.shape + kind.shape):
            yield field


def _field(
    file: SharedFile, dataset: h5py.Dataset, field: str, path: str, name: str
) -> Signal:
    data = FieldArray(array_of(file, dataset), field)
    return Signal(
        name=name,
        data=data,
        axes=customs.pixels(data.shape),
        role=role_of(path),
        metadata=attributes(dataset),
        path=file.path,
        dataset=path,
    )


def _signal(
    file: SharedFile, members: Sequence[h5py.Dataset], path: str, name: str
) -> Signal:
    ordered = sorted(members, key=_number) if len(members) > 1 else members
    described = attributes(ordered[0])
    axes = customs.axes_of(ordered[0], described)
    frames = [array_of(file, dataset) for dataset in ordered]
    data: LazyArray = frames[0]
    if len(frames) > 1:
        data = StackedArray(frames)
        numbers = np.array([_number(dataset) for dataset in ordered])
        axes = [Axis(POSITION, "", numbers), *axes]
    shown, in_order = in_display_order(data, axes)
    return Signal(
        name=name,
        data=shown,
        axes=in_order,
        role=role_of(path),
        metadata={
            key: value
            for key, value in described.items()
            if key not in customs.BOOKKEEPING
        },
        path=file.path,
        dataset=path,
    )


def _number(dataset: h5py.Dataset) -> int:
    return int(stem(dataset.name))
