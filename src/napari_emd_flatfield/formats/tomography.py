"""Tomography scans: raw frames, flats and darks, each where the layout has them.

NXtomo          an NXdetector holds all frames of the acquisition as `data`, and
                in `image_key` for each 0 (raw), 1 (flat), 2 (dark) or 3 (bad);
                x_pixel_size and y_pixel_size beside them
Data Exchange   /exchange/{data,data_white,data_dark,theta} (APS)
FXI             /img_tomo /img_bkg_avg /img_dark_avg /angle (NSLS-II)
ESRF            scan1/{instrument,dark,flat_000,flat_500}/data: flats named by
                the frame before which they were recorded

The leading coordinate is the number of a frame in its acquisition, which is what
flats are interpolated by; the angles are metadata.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

from ..errors import ReadError
from ..lazy import ConcatenatedArray, LazyArray, PickedArray, StackedArray
from ..signal import Signal
from . import nexus, plain
from .arrays import array_of
from .attributes import attributes, text
from .detector import axes_of_frames
from .nodes import Nodes, nx_class
from .paths import stem
from .skipping import skipping, warn
from .tree import child, identity, is_image
from .values import value_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ..lazy.files import SharedFile
    from ..signal import Role
    from .tree import Node

_KEYS: dict[int, Role] = {0: "raw", 1: "flat", 2: "dark"}
_NAMES: dict[Role, str] = {"raw": "projections", "flat": "flats", "dark": "darks"}
_FLAT = re.compile(r"flat_?(\d+)", re.IGNORECASE)


@dataclass(frozen=True)
class _Layout:
    """HDF5 paths; of several references the first that is there."""

    raw: str
    references: dict[Role, tuple[str, ...]]
    angles: str
    detector: str


_LAYOUTS = (
    _Layout(
        "exchange/data",
        {"flat": ("exchange/data_white",), "dark": ("exchange/data_dark",)},
        "exchange/theta",
        "measurement/instrument/detector",
    ),
    _Layout(
        "img_tomo",
        {"flat": ("img_bkg_avg", "img_bkg"), "dark": ("img_dark_avg", "img_dark")},
        "angle",
        "detector",
    ),
)


@dataclass(frozen=True)
class _Frames:
    """Frames of one role, from `path`; `positions` is None where nobody says them.

    `datasets` are those that need no other signal.
    """

    role: Role
    path: str
    datasets: Sequence[h5py.Dataset]
    data: LazyArray
    positions: np.ndarray | None


@dataclass(frozen=True)
class _Scan:
    """One acquisition: its frames by role, and what is said of all of them."""

    name: str
    frames: tuple[_Frames, ...]
    detector: Node | None
    angles: Node | None


def recognises(nodes: Nodes) -> bool:
    """Whether a file holds a tomography scan in one of these layouts.

    Parameters
    ----------
    nodes
        All groups and datasets of the file, root first.
    """
    groups = [node for node in nodes if isinstance(node, h5py.Group)]
    return any(_follows(groups[0], layout) for layout in _LAYOUTS) or any(
        _is_nxtomo(group) or _is_esrf(group) for group in groups
    )


def signals(file: SharedFile, nodes: Nodes) -> list[Signal]:
    """Make raw, flat and dark signals of each scan, and the usual ones of the rest.

    Parameters
    ----------
    file
        The file, for lazy reading.
    nodes
        All its groups and datasets, root first.
    """
    scans = list(_scans(file, nodes))
    entries = nexus.Entries(nodes)
    found: list[Signal] = []
    shown = set()
    for scan in scans:
        prefix = f"{stem(scan.name)}/" if len(scans) > 1 else ""
        with skipping(file, scan.name):
            found += [
                _signal(file, scan, frames, prefix, entries) for frames in scan.frames
            ]
            shown |= {identity(d) for frames in scan.frames for d in frames.datasets}
    if nexus.recognises(nodes):
        return found + nexus.signals(file, nodes, shown)
    rest = (node for node in nodes if identity(node) not in shown)
    return found + plain.signals(file, Nodes(rest))


def _scans(file: SharedFile, nodes: Nodes) -> Iterator[_Scan]:
    groups = list(nodes.groups.values())
    for layout in _LAYOUTS:
        if _follows(groups[0], layout):
            with skipping(file, f"/{layout.raw}"):
                yield _laid_out(file, groups[0], layout)
    for group in groups:
        with skipping(file, group.name):
            if _is_nxtomo(group):
                yield _nxtomo(file, group)
            elif _is_esrf(group):
                yield _esrf(file, group)


def _follows(root: h5py.Group, layout: _Layout) -> bool:
    return bool(_images(root, layout.raw)) and any(
        _images(root, *names) for names in layout.references.values()
    )


def _laid_out(file: SharedFile, root: h5py.Group, layout: _Layout) -> _Scan:
    frames = [_raw(file, *_images(root, layout.raw))]
    for role, names in layout.references.items():
        frames += _reference(file, role, _images(root, *names))
    return _Scan(
        f"/{layout.raw}",
        tuple(frames),
        child(root, layout.detector),
        child(root, layout.angles),
    )


def _is_nxtomo(group: h5py.Group) -> bool:
    return (
        "image_key" in group
        and nx_class(group) == "NXdetector"
        and bool(_images(group, "data"))
    )


def _nxtomo(file: SharedFile, detector: h5py.Group) -> _Scan:
    [dataset] = _images(detector, "data")
    stored = child(detector, "image_key")
    if not isinstance(stored, h5py.Dataset):
        raise ReadError("its image_key cannot be read, which says what a frame is")
    keys = np.ravel(value_of(stored))
    whole = array_of(file, dataset)
    if len(keys) != len(whole):
        raise ReadError(
            f"its image_key is of {len(keys)} frames, its data of {len(whole)}"
        )
    bad = np.count_nonzero(~np.isin(keys, list(_KEYS)))
    if bad:
        warn(
            f"{file.path}:{dataset.name}: {bad} of {len(keys)} frames are left out, "
            "as image_key says that they are invalid"
        )
    where = {role: np.flatnonzero(keys == key) for key, role in _KEYS.items()}
    entry = detector.name.rsplit("/", 2)[0]
    return _Scan(
        entry,
        tuple(
            _Frames(role, dataset.name, [dataset], PickedArray(whole, indices), indices)
            for role, indices in where.items()
            if len(indices)
        ),
        detector,
        child(detector.file, f"{entry}/sample/rotation_angle"),
    )


def _is_esrf(group: h5py.Group) -> bool:
    return "instrument" in group and bool(
        _images(group, "instrument/data") and any(map(_FLAT.fullmatch, group))
    )


def _esrf(file: SharedFile, scan: h5py.Group) -> _Scan:
    flats = [
        (int(match[1]), dataset)
        for name in scan
        if (match := _FLAT.fullmatch(name))
        for dataset in _images(scan, f"{name}/data")
    ]
    flats.sort(key=lambda flat: flat[0])
    stacks = [_as_stack(array_of(file, dataset)) for _, dataset in flats]
    if len({(stack.shape[1:], stack.dtype) for stack in stacks}) != 1:
        raise ReadError("its flats are not of one shape and dtype")
    frames = [
        _raw(file, *_images(scan, "instrument/data")),
        _Frames(
            "flat",
            scan.name,
            [dataset for _, dataset in flats],
            ConcatenatedArray(stacks),
            np.repeat([number for number, _ in flats], [len(each) for each in stacks]),
        ),
    ]
    frames += _reference(file, "dark", _images(scan, "dark/data"))
    return _Scan(scan.name, tuple(frames), child(scan, "instrument"), None)


def _images(group: h5py.Group, *names: str) -> list[h5py.Dataset]:
    return [node for name in names if is_image(node := child(group, name))]


def _raw(file: SharedFile, dataset: h5py.Dataset) -> _Frames:
    data = _as_stack(array_of(file, dataset))
    return _Frames("raw", dataset.name, [dataset], data, np.arange(len(data)))


def _reference(
    file: SharedFile, role: Role, datasets: Sequence[h5py.Dataset]
) -> Iterator[_Frames]:
    """The first of several versions of a reference, e.g. their average."""
    for first in datasets[:1]:
        yield _Frames(role, first.name, datasets, array_of(file, first), None)


def _as_stack(data: LazyArray) -> LazyArray:
    return StackedArray([data]) if data.ndim == 2 else data


def _signal(
    file: SharedFile,
    scan: _Scan,
    frames: _Frames,
    prefix: str,
    entries: nexus.Entries,
) -> Signal:
    return Signal(
        name=prefix + _NAMES[frames.role],
        data=frames.data,
        axes=axes_of_frames(frames.data.shape, frames.positions, scan.detector),
        role=frames.role,
        metadata={
            **entries.of(frames.path),
            **attributes(frames.datasets[0]),
            **_angles(scan.angles, frames.positions),
        },
        path=file.path,
        dataset=frames.path,
    )


def _angles(stored: Node | None, positions: np.ndarray | None) -> dict[str, Any]:
    if positions is None or not isinstance(stored, h5py.Dataset):
        return {}
    angles = np.ravel(value_of(stored))
    if len(angles) <= positions.max():
        return {}
    return {
        "rotation_angle": angles[positions].tolist(),
        "rotation_angle_units": text(stored, "units", "unit") or "deg",
    }
