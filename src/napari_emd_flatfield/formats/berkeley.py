"""Berkeley EMD 0.x: https://emdatasets.com/format.

    /data/<name>/            group with attribute emd_group_type = 1, at any depth
        data                 n-D dataset
        dim1 … dimN          dim vectors with attributes name and units; dim1
                             describes axis 0
        tomviz_scalars/      more arrays on the same axes, beside a link to data
    /microscope /sample /user /comments      metadata as attributes

Real files leave out any of these, start at dim0, name the dataset after its
group, or give a group the attribute though only its subgroups hold data.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args

import h5py

from ..errors import ReadError
from ..signal import Role, Signal
from .attributes import metadata
from .emdgroup import EmdGroup, axes_from_dims, image_of
from .nodes import Nodes, emd_type
from .paths import unique_names
from .roles import role_of
from .skipping import listed, skipping
from .tree import is_frame, is_image

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ..lazy.files import SharedFile

# Attributes of an EMD group that are this package's own business.
NAME, ROLE = "signal_name", "signal_role"
FRAME_LAST = "signal_frame_last"
ADDED = "signal_added"
_SCALARS = "tomviz_scalars"
# Where HyperSpy alone puts its arrays: x, y, t, even if it does not name the axes.
_HYPERSPY = "/signals/"


def recognises(nodes: Nodes) -> bool:
    """Whether a file holds Berkeley EMD groups.

    Parameters
    ----------
    nodes
        All groups and datasets of the file, root first.
    """
    return "1" in nodes.emd_types.values()


def signals(file: SharedFile, nodes: Nodes) -> list[Signal]:
    """Make a signal of every EMD group that holds an image.

    Parameters
    ----------
    file
        The file, for lazy reading.
    nodes
        All its groups and datasets, root first.
    """
    groups = emd_groups(file, nodes, {"1"})
    return signals_of(file, groups, _file_metadata(nodes, groups))


def added(file: SharedFile, nodes: Nodes) -> tuple[list[Signal], Nodes]:
    """Tell the signals this package has added to a file from what it was before.

    Parameters
    ----------
    file
        The file, of any dialect.
    nodes
        All its groups and datasets, root first.

    Returns
    -------
    list of Signal, Nodes
        What was added, and the nodes that were not.
    """
    marked = [
        path
        for path, kind in nodes.emd_types.items()
        if kind == "1" and ADDED in nodes.groups[path].attrs
    ]
    if not marked:
        return [], nodes
    inside = tuple(f"{path}/" for path in marked)
    named = nodes.by_path.items()
    rest = Nodes(node for path, node in named if not f"{path}/".startswith(inside))
    groups: list[EmdGroup] = []
    for path in marked:
        with skipping(file, path):
            groups += _holders(EmdGroup(nodes.groups[path], nodes), nodes)
    return signals_of(file, groups, _file_metadata(nodes, groups)), rest


def emd_groups(file: SharedFile, nodes: Nodes, types: set[str]) -> list[EmdGroup]:
    """Find the groups that hold an image.

    Parameters
    ----------
    file
        The file, for messages.
    nodes
        All its groups and datasets, root first.
    types
        Values of ``emd_group_type`` to look for. A group of such a type without
        an image stands for its subgroups without a type.
    """
    found: list[EmdGroup] = []
    for path, kind in nodes.emd_types.items():
        if kind not in types:
            continue
        with skipping(file, path):
            emd = EmdGroup(nodes.groups[path], nodes)
            holders = list(_holders(emd, nodes))
            found.extend(holders)
            if not holders:
                _say_why(emd)
    return found


def _say_why(emd: EmdGroup) -> None:
    """Raise what keeps an EMD group from showing the image it should hold."""
    if "data" not in emd.children and emd.group.get("data", getlink=True):
        raise ReadError("its data are a link to nowhere, or damaged")
    if images := [key for key, node in emd.arrays.items() if is_image(node)]:
        raise ReadError(
            f"it does not say which of its arrays are the data ({listed(images)}); "
            f'ask for one with read(path, dataset="{emd.name}/{images[0]}")'
        )


def _holders(emd: EmdGroup, nodes: Nodes) -> Iterator[EmdGroup]:
    if emd.dataset is not None:
        yield emd
        return
    for node in emd.children.values():
        if isinstance(node, h5py.Group) and not emd_type(node):
            inner = EmdGroup(node, nodes)
            if inner.dataset is not None:
                yield inner


def signals_of(
    file: SharedFile, groups: Sequence[EmdGroup], shared: Mapping[str, Any]
) -> list[Signal]:
    """Make signals of EMD groups, leaving out with a warning what is damaged.

    Parameters
    ----------
    file
        The file, for lazy reading.
    groups
        Groups that hold an image.
    shared
        Metadata of the file, which all signals get.
    """
    found: list[Signal] = []
    names = unique_names([emd.name for emd in groups])
    for emd, name in zip(groups, names, strict=True):
        with skipping(file, emd.name):
            described = {**emd.metadata(), **shared}
            own_name = str(described.pop(NAME, name or file.path.stem))
            role = described.pop(ROLE, None)
            frame_last = described.pop(FRAME_LAST, False)
            described.pop(ADDED, None)
            if role not in get_args(Role):
                role = role_of(emd.name)
            for label, dataset in _datasets(emd, own_name):
                axes = axes_from_dims(emd.dims, dataset.shape)
                data, shown, labels = image_of(
                    file, dataset, axes, emd.dims, by_name=not frame_last
                )
                if emd.name.startswith(_HYPERSPY) and not any(a.name for a in shown):
                    data, shown = data.transpose(), shown[::-1]
                if not is_frame(data.shape):
                    continue
                found.append(
                    Signal(
                        name=label,
                        data=data,
                        axes=shown,
                        role=role,
                        metadata={**described, **labels},
                        path=file.path,
                        dataset=dataset.name,
                    )
                )
    return found


def _datasets(emd: EmdGroup, name: str) -> Iterator[tuple[str, h5py.Dataset]]:
    """The array of a group and those tomviz keeps beside it, once each."""
    if emd.dataset is None:
        return
    yield name, emd.dataset
    scalars = emd.children.get(_SCALARS)
    if isinstance(scalars, h5py.Group):
        for key, dataset in EmdGroup(scalars, Nodes()).children.items():
            same_axes = is_image(dataset) and dataset.shape == emd.dataset.shape
            if same_axes and dataset != emd.dataset:
                yield key, dataset


def _file_metadata(nodes: Nodes, groups: Sequence[EmdGroup]) -> dict[str, Any]:
    """Root groups that describe the measurement, not hold it."""
    holding_data = {emd.name.split("/")[1] for emd in groups}
    found: dict[str, h5py.Group] = {}
    for path, node in nodes.by_path.items():
        top, *below = path[1:].split("/")
        if top in holding_data or not top:
            continue
        if is_image(node) or nodes.emd_types.get(path):
            holding_data.add(top)
        elif not below and isinstance(node, h5py.Group):
            found[top] = node
    return {
        top: metadata(group) for top, group in found.items() if top not in holding_data
    }
