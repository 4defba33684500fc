"""EMD 1.0: emdfile, py4DSTEM from 0.13 on.

    /                              emd_group_type = "file", version 1.0
    /<root>/                       "root"; there may be several
        <array>/                   "array", python_class = Array, DataCube, …
            data                   attribute units: those of its values
            dim0 … dimN-1          the first two values where they are uniform
            <array>/               arrays nest
            metadatabundle/<m>/    "metadata": a dataset or group each item, with its
                                   Python type as attribute type
        metadatabundle/calibration python_class = Calibration: pixel sizes

In a stack the last dim is called ``_labels_`` and names the images along axis 0
of the data; dim0 then describes axis 1. py4DSTEM 0.13 writes no "file", numbers
instead of types (array is 1), ``_metadata`` for ``metadatabundle``, the
calibration beside the arrays, and stacks along the last axis.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import h5py

from ..signal import Axis, Signal
from .attributes import decode, is_small, text
from .calibration import Calibration
from .emdgroup import EmdGroup, axes_from_dims, image_of
from .paths import stem, unique_names
from .roles import role_of
from .skipping import skipping
from .tree import children
from .values import value_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..lazy.files import SharedFile
    from .nodes import Nodes
    from .tree import Node

_ARRAYS = {"array", "custom_array", "1"}
_METADATA = {"metadata", "custom_metadata", "0"}
_BUNDLES = ("metadatabundle", "_metadata")
_LABELS = "_labels_"

# The axes of a data cube, and those that images made from it have kept.
_SCAN, _DIFFRACTION = ("Rx", "Ry"), ("Qx", "Qy")
_AXES = {
    "DataCube": _SCAN + _DIFFRACTION,
    **dict.fromkeys(("VirtualImage", "RealSlice"), _SCAN),
    **dict.fromkeys(
        ("VirtualDiffraction", "DiffractionImage", "DiffractionSlice", "Probe"),
        _DIFFRACTION,
    ),
}


def recognises(nodes: Nodes) -> bool:
    """Whether a file holds an EMD 1.0 tree, with or without its header.

    Parameters
    ----------
    nodes
        All groups and datasets of the file, root first.
    """
    return not {"file", "root", "array"}.isdisjoint(nodes.emd_types.values())


def signals(file: SharedFile, nodes: Nodes) -> list[Signal]:
    """Make a signal of every array that is an image.

    Parameters
    ----------
    file
        The file, for lazy reading.
    nodes
        All its groups and datasets, root first.
    """
    arrays: list[EmdGroup] = []
    described = _Descriptions()
    for path, kind in nodes.emd_types.items():
        if kind not in _METADATA | _ARRAYS:
            continue
        with skipping(file, path):
            group = nodes.groups[path]
            if kind in _METADATA:
                described.add(group)
            elif (emd := EmdGroup(group, nodes)).dataset is not None:
                arrays.append(emd)
    found: list[Signal] = []
    names = unique_names([emd.name for emd in arrays])
    for emd, name in zip(arrays, names, strict=True):
        with skipping(file, emd.name):
            found.append(_signal(file, emd, name, described))
    return found


def _signal(
    file: SharedFile, emd: EmdGroup, name: str, described: _Descriptions
) -> Signal:
    dataset, dims = emd.array, emd.dims
    if dims and _is_labels(dims[-1]) and emd.kind != "1":
        dims = [dims[-1], *dims[:-1]]
    classes = (emd.attributes.get(f"{key}_class") for key in ("python", "py4dstem"))
    python_class = str(next(filter(None, classes), ""))
    axes = _calibrated(
        axes_from_dims(dims, dataset.shape),
        python_class,
        described.calibration(emd.name),
    )
    data, shown, labels = image_of(file, dataset, axes, dims)
    own = {k: v for k, v in emd.metadata().items() if k not in _BUNDLES}
    return Signal(
        name=name,
        data=data,
        axes=shown,
        role=role_of(emd.name),
        metadata={**own, **described.metadata(emd.name), **labels},
        path=file.path,
        dataset=dataset.name,
    )


def _is_labels(dim: Node | None) -> bool:
    is_text = isinstance(dim, h5py.Dataset) and dim.dtype.kind in "SO"
    return is_text and text(dim, "name") == _LABELS


def _calibrated(
    axes: Sequence[Axis], python_class: str, calibration: Calibration
) -> list[Axis]:
    """Name and calibrate the axes of a data cube and of images made from it."""
    own = [axis for axis in axes if axis.name != _LABELS]
    if tuple(axis.name for axis in own) == _AXES["DataCube"]:
        python_class = "DataCube"
    names = _AXES.get(python_class, ())
    if len(names) == len(own):
        own = [
            replace(axis, name=name) if axis.name in ("", f"dim{i}") else axis
            for i, (axis, name) in enumerate(zip(own, names, strict=True))
        ]
        # What an image has of its own is of a later date than its data cube's.
        if python_class == "DataCube" or all(axis.is_index for axis in own):
            own = calibration.applied(own)
    rest = iter(own)
    return [
        replace(axis, name="label") if axis.name == _LABELS else next(rest)
        for axis in axes
    ]


class _Descriptions:
    """Metadata of a tree, by the path of the group they describe."""

    def __init__(self) -> None:
        self._items: dict[str, dict[str, Any]] = {}
        self._calibrations: dict[str, Calibration] = {}

    def add(self, group: h5py.Group) -> None:
        """Read one group of metadata."""
        owner, _, name = group.name.rpartition("/")
        if stem(owner) in _BUNDLES:
            owner = owner.rpartition("/")[0]
        items = _items(group)
        self._items.setdefault(owner, {})[name] = items
        if text(group, "python_class", "py4dstem_class") == "Calibration":
            self._calibrations[owner] = Calibration.of(items)

    def calibration(self, name: str) -> Calibration:
        """Find the calibration nearest above an array."""
        while name and name not in self._calibrations:
            name = name.rpartition("/")[0]
        return self._calibrations.get(name, Calibration({}))

    def metadata(self, name: str) -> dict[str, Any]:
        """Join what is said of an array with what is said of its tree."""
        root = "/".join(name.split("/")[:2])
        return {**self._items.get(root, {}), **self._items.get(name, {})}


def _items(group: h5py.Group) -> dict[str, Any]:
    return {
        key: _item(node)
        for key, node in children(group)
        if isinstance(node, h5py.Group) or is_small(node)
    }


def _item(node: Node) -> Any:
    kind = text(node, "type")
    if isinstance(node, h5py.Group):
        items = _items(node)
        if kind.startswith(("list_of_", "tuple_of_")):
            return [items[key] for key in sorted(items, key=int)]
        return items
    value = decode(value_of(node))
    if kind in ("list", "tuple", "array") and not isinstance(value, list):
        return [value]
    return None if kind == "None" else value
