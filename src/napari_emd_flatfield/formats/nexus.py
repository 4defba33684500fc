"""NeXus: https://manual.nexusformat.org/datarules.html.

    /                      @default names the way to the plot to show first
    entry/                 NXentry: title, sample, instrument…
        plot/              NXdata @signal @axes @<axis>_indices @auxiliary_signals
            signal, axes   datasets or links; @units @interpretation
        instrument/
            detector/data  NXdetector, whether an NXdata links to it or not

Older files mark the signal by an attribute of its own, ``signal=1``, and name
its axes there. An axis one longer than its signal holds the edges of bins; one
of two values is an offset and a step, as silx reads it.
"""

from __future__ import annotations

import re
from contextlib import suppress
from itertools import accumulate
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

from ..signal import Axis, Signal
from .arrays import array_of
from .attributes import UNREADABLE, attributes, decode, is_small, metadata, text
from .dimvectors import coordinates
from .display import RGB, in_display_order
from .roles import role_of
from .skipping import skipping
from .tree import child, identity, is_image, stem, unique_names

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from ..lazy.files import SharedFile
    from .tree import Node

# Groups of an entry that say how its data were recorded; HyperSpy has its own.
_DESCRIBING = {"NXsample", "NXinstrument", "NXuser", "NXprocess"}
_HYPERSPY = "auxiliary"

_BOOKKEEPING = {
    *("NX_class", "signal", "axes", "auxiliary_signals", "interpretation"),
    *("default", "target", "axis", "primary", "SILX_style"),
}
_LONGEST_CHAIN = 16


def recognises(nodes: Sequence[Node]) -> bool:
    """Whether any group says what NeXus class it is of.

    Parameters
    ----------
    nodes
        All groups and datasets of the file, root first.
    """
    return any(
        "NX_class" in node.attrs for node in nodes if isinstance(node, h5py.Group)
    )


def signals(
    file: SharedFile, nodes: Sequence[Node], shown: Iterable[object] = ()
) -> list[Signal]:
    """Make a signal of every image plotted or detected, the default plot first.

    Parameters
    ----------
    file
        The file, for lazy reading.
    nodes
        All its groups and datasets, root first.
    shown
        `tree.identity` of datasets that need no signal.
    """
    known = set(shown)
    images = []
    for group, dataset in _candidates(file, nodes):
        if is_image(dataset) and (itself := identity(dataset)) not in known:
            known.add(itself)
            images.append((group, dataset))
    names = unique_names([_named_by(group, dataset) for group, dataset in images])
    entries = Entries(nodes)
    found = []
    for (group, dataset), name in zip(images, names, strict=True):
        with skipping(file, dataset.name):
            found.append(_signal(file, group, dataset, name, entries.of(group.name)))
    return found


class Entries:
    """What the entries of a file say of their data, each read once.

    Parameters
    ----------
    nodes
        All groups and datasets of the file, root first.
    """

    def __init__(self, nodes: Sequence[Node]) -> None:
        self._groups = {
            node.name: node
            for node in nodes
            if isinstance(node, h5py.Group) and nx_class(node) == "NXentry"
        }
        self._read: dict[str, dict[str, Any]] = {}

    def of(self, path: str) -> dict[str, Any]:
        """Metadata of the entry something is in: values, sample, instrument.

        Parameters
        ----------
        path
            HDF5 path, e.g. of an NXdata group.
        """
        above = accumulate(path.split("/"), "{}/{}".format)
        entry = next((name for name in above if name in self._groups), None)
        if entry is None:
            return {}
        if entry not in self._read:
            self._read[entry] = _described(self._groups[entry])
        return self._read[entry]


def nx_class(node: Node) -> str:
    """NeXus class of a node; empty where it has none.

    Parameters
    ----------
    node
        A group or dataset.
    """
    return text(node, "NX_class")


def default_plot(root: h5py.Group) -> h5py.Group | None:
    """Follow the ``default`` attributes from the root to the plot they mean.

    Parameters
    ----------
    root
        Root group of any file.

    Returns
    -------
    h5py.Group or None
        An NXdata group; None where the chain is missing or leads elsewhere.
    """
    group: Node | None = root
    for _ in range(_LONGEST_CHAIN):
        if not isinstance(group, h5py.Group):
            return None
        if nx_class(group) == "NXdata":
            return group
        following = text(group, "default")
        if not following:
            return None
        group = child(group, following)
    return None


def _candidates(
    file: SharedFile, nodes: Sequence[Node]
) -> Iterator[tuple[h5py.Group, Node | None]]:
    """What might be an image, with its group: plots first, the default before all."""
    groups = [(n, nx_class(n)) for n in nodes if isinstance(n, h5py.Group)]
    plots = [group for group, kind in groups if kind == "NXdata"]
    default = default_plot(nodes[0])
    if default is not None:
        plots.sort(key=lambda plot: identity(plot) != identity(default))
    for plot in plots:
        with skipping(file, plot.name):
            yield from ((plot, dataset) for dataset in _plotted(plot))
    for group, kind in groups:
        if kind == "NXdetector":
            yield group, child(group, "data")


def _plotted(plot: h5py.Group) -> list[Node | None]:
    """Signals of an NXdata group, the main one first."""
    names = [*_texts(plot, "signal"), *_texts(plot, "auxiliary_signals")]
    if names:
        return [child(plot, name) for name in names]
    children = [child(plot, name) for name in plot]
    marked = [c for c in children if c is not None and "signal" in c.attrs]
    if marked:
        return sorted(marked, key=lambda dataset: text(dataset, "signal"))
    images = [each for each in children if is_image(each)]
    named = [each for each in images if stem(each.name) == "data"]
    return named or images[: len(images) == 1]


def _named_by(group: h5py.Group, dataset: h5py.Dataset) -> str:
    return str(group.name if stem(dataset.name) == "data" else dataset.name)


def _signal(
    file: SharedFile,
    group: h5py.Group,
    dataset: h5py.Dataset,
    name: str,
    entry: dict[str, Any],
) -> Signal:
    interpretation = text(dataset, "interpretation") or text(group, "interpretation")
    axes = _axes(group, dataset)
    if interpretation in ("rgb-image", "rgba-image"):
        axes[-1] = Axis.index(len(axes[-1]), RGB)
    shown, ordered = in_display_order(
        array_of(file, dataset), axes, by_name="image" not in interpretation
    )
    own = {**attributes(group), **attributes(dataset)}
    return Signal(
        name=name,
        data=shown,
        axes=ordered,
        role=role_of(_named_by(group, dataset)),
        metadata={
            **entry,
            **{
                key: value
                for key, value in own.items()
                if key not in _BOOKKEEPING and not key.endswith("_indices")
            },
        },
        path=file.path,
        dataset=dataset.name,
    )


def _axes(group: h5py.Group, dataset: h5py.Dataset) -> list[Axis]:
    axes = [Axis.index(size) for size in dataset.shape]
    names = _texts(group, "axes") or _texts(dataset, "axes")
    if len(names) == 1:
        names = re.split(r"[:,]", names[0].strip("[] "))
    # Fewer names than axes are those of the last ones.
    first = max(0, len(axes) - len(names))
    for position, name in enumerate((each.strip() for each in names), first):
        where = decode(group.attrs.get(f"{name}_indices", position))
        if name in ("", ".") or where not in range(len(axes)):
            continue
        axes[where] = _axis(child(group, name), name, len(axes[where]))
    return axes


def _axis(stored: Node | None, name: str, size: int) -> Axis:
    if not isinstance(stored, h5py.Dataset) or stored.dtype.kind not in "biuf":
        return Axis.index(size, name)
    values = np.ravel(stored[()]).astype(np.float64)
    if len(values) == size + 1:
        values = (values[:-1] + values[1:]) / 2
    elif len(values) == 2 != size:
        values = values[0] + values[1] * np.arange(size)
    known = coordinates(values, size) if len(values) == size else None
    if known is None:
        return Axis.index(size, name)
    return Axis(name, text(stored, "units"), known)


def _described(entry: h5py.Group) -> dict[str, Any]:
    found = {}
    for name in entry:
        node = child(entry, name)
        if isinstance(node, h5py.Dataset):
            if is_small(node) and not is_image(node):
                with suppress(*UNREADABLE):
                    found[name] = decode(node[()])
        elif node is not None and (name == _HYPERSPY or nx_class(node) in _DESCRIBING):
            found[name] = metadata(node)
    return found


def _texts(node: Node, key: str) -> list[str]:
    value = decode(node.attrs.get(key))
    if value is None:
        return []
    return [str(each) for each in (value if isinstance(value, list) else [value])]
