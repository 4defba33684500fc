"""NeXus: https://manual.nexusformat.org/datarules.html.

    /                      @default names the way to the plot to show first
    entry/                 NXentry: title, sample, instrument…
        plot/              NXdata @signal @axes @<axis>_indices @auxiliary_signals
            signal, axes   datasets or links; @units @interpretation
        instrument/
            detector/data  NXdetector, whether an NXdata links to it or not

Older files mark the signal by an attribute of its own, ``signal=1``. How axes are
found is in `nexusaxes`.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Any

import h5py

from ..signal import Axis, Signal
from .arrays import array_of
from .attributes import UNREADABLE, attributes, decode, is_small, metadata, text
from .detector import axes_of_frames
from .display import RGB, in_display_order
from .nexusaxes import axes_of_plot, texts
from .nodes import nx_class
from .paths import inside, stem, unique_names
from .roles import role_of
from .skipping import skipping
from .tree import child, identity, is_image
from .values import value_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from ..lazy.files import SharedFile
    from .nodes import Nodes
    from .tree import Node

# Groups of an entry that say how its data were recorded; HyperSpy has its own.
_DESCRIBING = {"NXsample", "NXinstrument", "NXuser", "NXprocess"}
_HYPERSPY = "auxiliary"

_BOOKKEEPING = {
    *("NX_class", "signal", "axes", "auxiliary_signals", "interpretation"),
    *("default", "target", "axis", "primary", "SILX_style"),
}
_LONGEST_CHAIN = 16


def recognises(nodes: Nodes) -> bool:
    """Whether any group says what NeXus class it is of.

    Parameters
    ----------
    nodes
        All groups and datasets of the file, root first.
    """
    return any("NX_class" in group.attrs for group in nodes.groups.values())


def signals(
    file: SharedFile, nodes: Nodes, shown: Iterable[object] = ()
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
    for place, dataset in _candidates(file, nodes):
        if is_image(dataset) and (itself := identity(dataset)) not in known:
            known.add(itself)
            images.append((place, dataset))
    names = unique_names([_named_by(place, dataset) for place, dataset in images])
    entries = Entries(nodes)
    found = []
    for (place, dataset), name in zip(images, names, strict=True):
        with skipping(file, dataset.name):
            found.append(_signal(file, place, dataset, name, entries))
    return found


@dataclass(frozen=True)
class _Place:
    """A group that shows images, and what is known of it: looking takes longest.

    Parameters
    ----------
    group
        The group.
    kind
        Its NeXus class.
    attributes
        Its own, but for the class.
    known
        Objects by their HDF5 paths.
    """

    group: h5py.Group
    kind: str
    attributes: Mapping[str, Any]
    known: Mapping[str, Node]

    def child(self, name: str) -> Node | None:
        found = self.known.get(inside(self.group.name, name))
        return child(self.group, name) if found is None else found


class Entries:
    """What the entries of a file say of their data, each read once.

    Parameters
    ----------
    nodes
        All groups and datasets of the file, root first.
    """

    def __init__(self, nodes: Nodes) -> None:
        self._nodes = nodes
        self._read: dict[str, dict[str, Any] | None] = {}

    def of(self, path: str) -> dict[str, Any]:
        """Metadata of the entry something is in: values, sample, instrument.

        Parameters
        ----------
        path
            HDF5 path, e.g. of an NXdata group.
        """
        for above in accumulate(path.split("/")[1:], "{}/{}".format):
            if above not in self._read:
                self._read[above] = self._described(f"/{above}")
            described = self._read[above]
            if described is not None:
                return described
        return {}

    def _described(self, path: str) -> dict[str, Any] | None:
        classes = self._nodes.nx_classes
        if classes.get(path) != "NXentry":
            return None
        found = {}
        entry = self._nodes.groups[path]
        for name, node in self._nodes.children(entry, path).items():
            if isinstance(node, h5py.Dataset):
                if is_small(node) and not is_image(node):
                    with suppress(*UNREADABLE):
                        found[name] = decode(value_of(node))
                continue
            kind = classes.get(inside(path, name))
            kind = nx_class(node) if kind is None else kind
            if name == _HYPERSPY or kind in _DESCRIBING:
                found[name] = metadata(node)
        return found


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


def _candidates(file: SharedFile, nodes: Nodes) -> Iterator[tuple[_Place, Node | None]]:
    """What might be an image, with its group: plots first, the default before all."""
    classes = nodes.nx_classes
    groups = [(group, classes[path]) for path, group in nodes.groups.items()]
    known = nodes.by_path
    plots = [group for group, kind in groups if kind == "NXdata"]
    default = default_plot(nodes[0])
    if default is not None:
        plots.sort(key=lambda plot: identity(plot) != identity(default))
    for plot in plots:
        with skipping(file, plot.name):
            place = _Place(plot, "NXdata", attributes(plot, {"NX_class"}), known)
            yield from ((place, dataset) for dataset in _plotted(place))
    for group, kind in groups:
        if kind == "NXdetector":
            place = _Place(group, kind, {}, known)
            yield place, place.child("data")


def _plotted(plot: _Place) -> list[Node | None]:
    """Signals of an NXdata group, the main one first."""
    own = plot.attributes
    names = [*texts(own.get("signal")), *texts(own.get("auxiliary_signals"))]
    named = [plot.child(name) for name in names]
    if any(each is not None for each in named):
        return named
    children = [plot.child(name) for name in plot.group]
    marked = [c for c in children if c is not None and "signal" in c.attrs]
    if marked:
        return sorted(marked, key=lambda dataset: text(dataset, "signal"))
    images = [each for each in children if is_image(each)]
    telling = [each for each in images if stem(each.name) == "data"]
    return telling or images[: len(images) == 1]


def _named_by(place: _Place, dataset: h5py.Dataset) -> str:
    return str(place.group.name if stem(dataset.name) == "data" else dataset.name)


def _signal(
    file: SharedFile,
    place: _Place,
    dataset: h5py.Dataset,
    name: str,
    entries: Entries,
) -> Signal:
    own = {**place.attributes, **attributes(dataset)}
    interpretation = str(own.get("interpretation"))
    axes = _axes(place, own, dataset.shape)
    if interpretation in ("rgb-image", "rgba-image"):
        axes[-1] = Axis.index(len(axes[-1]), RGB)
    data, ordered = in_display_order(
        array_of(file, dataset), axes, by_name="image" not in interpretation
    )
    described = {
        key: value
        for key, value in own.items()
        if key not in _BOOKKEEPING and not key.endswith("_indices")
    }
    return Signal(
        name=name,
        data=data,
        axes=ordered,
        role=role_of(_named_by(place, dataset)),
        metadata={**entries.of(place.group.name), **described},
        path=file.path,
        dataset=dataset.name,
    )


def _axes(
    place: _Place, described: Mapping[str, Any], shape: Sequence[int]
) -> list[Axis]:
    if place.kind == "NXdetector":
        return list(axes_of_frames(shape, None, place.group))
    return axes_of_plot(place.group, place.child, described, shape)
