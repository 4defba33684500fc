"""A group with an array and its dim vectors: what all EMD dialects share.

<name>/              attribute emd_group_type
    data             n-D dataset; or named after the group, or by its kind
    dim1 … dimN      dim vectors, or dim0 … dimN-1; texts where an axis stacks
                     named images
    …                small datasets and groups that describe it
"""

from __future__ import annotations

import re
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING, Any

import h5py

from ..errors import ReadError
from .arrays import array_of
from .attributes import UNREADABLE, attributes, decode, is_small, metadata
from .dimvectors import axis_from_dim, labels_from_dim
from .display import in_display_order
from .nodes import EMD_TYPE, emd_type
from .paths import stem
from .tree import children, is_array, is_image
from .values import value_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..lazy import LazyArray
    from ..lazy.files import SharedFile
    from ..signal import Axis
    from .nodes import Nodes
    from .tree import Node

_DATASETS = (
    *("data", "realslice", "datacube", "diffractionslice", "counted_datacube"),
    "supergroup",
)
_DIM = re.compile(r"dim\d+")
_BOOKKEEPING = {
    *(EMD_TYPE, "python_class", "py4dstem_class"),
    *("version_major", "version_minor"),
}
# Attributes of a dataset that are HDF5's, not its author's.
_HDF5 = {
    *("CLASS", "IMAGE_VERSION", "IMAGE_SUBCLASS", "DIMENSION_LIST", "DIMENSION_LABELS"),
    *("REFERENCE_LIST", "NAME", "_Netcdf4Dimid"),
}


class EmdGroup:
    """A group of a file, its children looked up once.

    Parameters
    ----------
    group
        Any group.
    nodes
        Those of the file that are open already.
    """

    def __init__(self, group: h5py.Group, nodes: Nodes) -> None:
        self.group = group
        self.name = str(group.name)
        self._nodes = nodes

    @cached_property
    def attributes(self) -> dict[str, Any]:
        """Attributes of the group but its type: reading them takes longest."""
        return attributes(self.group, {EMD_TYPE})

    @property
    def kind(self) -> str:
        """What `emd_type` reads."""
        known = self._nodes.emd_types.get(self.name)
        return emd_type(self.group) if known is None else known

    @cached_property
    def children(self) -> dict[str, Node]:
        """What is in the group, by name."""
        return self._nodes.children(self.group, self.name)

    @cached_property
    def arrays(self) -> dict[str, h5py.Dataset]:
        """All arrays of at least two axes but the dim vectors, by their names."""
        return {
            key: node
            for key, node in self.children.items()
            if is_array(node) and not _DIM.fullmatch(key)
        }

    @cached_property
    def dataset(self) -> h5py.Dataset | None:
        """The array; None if the group holds none, or several of equal right."""
        for key in (*_DATASETS, stem(self.name)):
            if key in self.arrays:
                return self.arrays[key]
        return next(iter(self.arrays.values())) if len(self.arrays) == 1 else None

    @property
    def dims(self) -> list[Node | None]:
        """The dim vector of each axis of the array, None where it is missing."""
        first = 0 if "dim0" in self.children else 1
        count = len(self.dataset.shape) if self.dataset is not None else 0
        # A supergroup stacks groups of its kind along axes of its own, the last.
        own = sorted(key for key in self.children if key.startswith("sgdim"))
        keys = [f"dim{first + i}" for i in range(count - len(own))] + own
        return [self.children.get(key) for key in keys]

    @property
    def array(self) -> h5py.Dataset:
        """The array of a group that is known to hold one."""
        if self.dataset is None:
            raise ReadError("it holds no array")
        return self.dataset

    def metadata(self) -> dict[str, Any]:
        """Read what describes the array: attributes, small datasets, groups."""
        found = dict(self.attributes)
        if self.dataset is not None and (own := _described(self.dataset)):
            found["data"] = own
        for key, node in self.children.items():
            if isinstance(node, h5py.Group):
                if not emd_type(node) and not _holds_images(node):
                    found[key] = metadata(node)
            elif not key.startswith("dim") and not is_array(node) and is_small(node):
                with suppress(*UNREADABLE):
                    found[key] = decode(value_of(node))
        return {key: value for key, value in found.items() if key not in _BOOKKEEPING}


def _holds_images(group: h5py.Group) -> bool:
    return any(is_image(node) for _, node in children(group))


def _described(dataset: h5py.Dataset) -> dict[str, Any]:
    return {k: v for k, v in attributes(dataset).items() if k not in _HDF5}


def image_of(
    file: SharedFile,
    dataset: h5py.Dataset,
    axes: Sequence[Axis],
    dims: Sequence[Node | None],
    *,
    by_name: bool = True,
) -> tuple[LazyArray, tuple[Axis, ...], dict[str, Any]]:
    """Put an array in display order, an axis of named images first.

    Parameters
    ----------
    file
        The file, for lazy reading.
    dataset
        The stored array.
    axes, dims
        An axis and what it was made from, for each stored axis.
    by_name
        False where the file itself says that the frame is stored last.

    Returns
    -------
    LazyArray, tuple of Axis, dict
        The array, its axes, and ``{"labels": [...]}`` where an axis has them.
    """
    labels = {
        i: found
        for i, (dim, size) in enumerate(zip(dims, dataset.shape, strict=True))
        if (found := labels_from_dim(dim, size)) is not None
    }
    order = [*labels, *(i for i in range(len(axes)) if i not in labels)]
    array = array_of(file, dataset).transpose(*order)
    data, shown = in_display_order(array, [axes[i] for i in order], by_name=by_name)
    return data, shown, {"labels": next(iter(labels.values()))} if labels else {}


def axes_from_dims(dims: Sequence[Node | None], shape: Sequence[int]) -> list[Axis]:
    """Make the axes of an array from its dim vectors.

    Parameters
    ----------
    dims
        As `EmdGroup.dims` gives them.
    shape
        Shape of the array.
    """
    return [axis_from_dim(dim, size) for dim, size in zip(dims, shape, strict=True)]
