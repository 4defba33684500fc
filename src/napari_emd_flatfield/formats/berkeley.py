"""Berkeley EMD 0.x: https://emdatasets.com/format.

    /data/<name>/            group with attribute emd_group_type = 1, at any depth
        data                 n-D dataset
        dim1 … dimN          dim vectors with attributes name and units; dim1
                             describes axis 0
    /microscope /sample /user /comments      metadata as attributes

Real files leave out any of these, start at dim0, name the dataset after its
group, or give a group the attribute though it holds no data.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import h5py

from ..signal import Signal
from .arrays import array_of
from .attributes import attributes, decode, metadata
from .dimvectors import axis_from_dim
from .display import in_display_order
from .roles import role_of
from .tree import is_image, stem, unique_names

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..lazy.files import SharedFile
    from .tree import Node

# Attributes of an EMD group that are this package's own business.
NAME, ROLE = "signal_name", "signal_role"
_BOOKKEEPING = {"emd_group_type", NAME, ROLE}
_DATASETS = ("data", "realslice", "datacube", "diffractionslice", "counted_datacube")


def recognises(nodes: Sequence[Node]) -> bool:
    """Whether a file holds Berkeley EMD groups.

    Parameters
    ----------
    nodes
        All groups and datasets of the file, root first.
    """
    return any(_is_emd_group(node) for node in nodes)


def signals(file: SharedFile, nodes: Sequence[Node]) -> list[Signal]:
    """Make a signal of every EMD group that holds an image.

    Parameters
    ----------
    file
        The file, for lazy reading.
    nodes
        All its groups and datasets, root first.
    """
    groups = [node for node in nodes if _is_emd_group(node)]
    found = [(group, data) for group in groups if (data := _data_of(group))]
    shared = _file_metadata(nodes)
    names = unique_names([group.name for group, _ in found])
    return [
        _signal(file, group, data, name, shared)
        for (group, data), name in zip(found, names, strict=True)
    ]


def _is_emd_group(node: Node) -> bool:
    if not isinstance(node, h5py.Group) or "emd_group_type" not in node.attrs:
        return False
    return str(decode(node.attrs["emd_group_type"])) == "1"


def _data_of(group: h5py.Group) -> h5py.Dataset | None:
    images = {key: node for key, node in group.items() if is_image(node)}
    for key in (*_DATASETS, stem(group.name)):
        if key in images:
            return images[key]
    return next(iter(images.values())) if len(images) == 1 else None


def _signal(
    file: SharedFile,
    group: h5py.Group,
    dataset: h5py.Dataset,
    name: str,
    shared: dict[str, Any],
) -> Signal:
    first = 0 if "dim0" in group else 1
    stored_axes = [
        axis_from_dim(group.get(f"dim{first + i}"), size)
        for i, size in enumerate(dataset.shape)
    ]
    data, axes = in_display_order(array_of(file, dataset), stored_axes)
    own = attributes(group)
    described = {key: value for key, value in own.items() if key not in _BOOKKEEPING}
    return Signal(
        name=own.get(NAME, name),
        data=data,
        axes=axes,
        role=own.get(ROLE) or role_of(group.name),
        metadata={**described, **shared, **_group_metadata(group)},
        path=file.path,
        dataset=dataset.name,
    )


def _group_metadata(group: h5py.Group) -> dict[str, Any]:
    return {
        key: metadata(child)
        for key, child in group.items()
        if isinstance(child, h5py.Group)
        and not _is_emd_group(child)
        and not any(is_image(node) for node in child.values())
    }


def _file_metadata(nodes: Sequence[Node]) -> dict[str, Any]:
    """Root groups that describe the measurement, not hold it."""
    root = nodes[0]
    holding_data = {
        node.name.split("/")[1]
        for node in nodes[1:]
        if _is_emd_group(node) or is_image(node)
    }
    return {
        node.name[1:]: metadata(node)
        for node in nodes[1:]
        if isinstance(node, h5py.Group)
        and node.parent == root
        and node.name[1:] not in holding_data
    }
