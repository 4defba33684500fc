"""Velox, the acquisition software of Thermo Fisher microscopes: an EMD of its own.

    /Version                            JSON {"format": "Velox", "version": "11"}
    /Data/Image/<uuid>/Data             (y, x, frame): the frames are last
                       Metadata         one column of bytes a frame: JSON, then NUL
    /Data/Spectrum  SpectrumStream  SpectrumImage  EelsSpectrumImage
                                        EDS and EELS: not images, and not read

Names of the images are elsewhere (see `veloxnames`). Numbers in the JSON are
strings, and any key may be missing. The sizes it gives are not those of the
array.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

from ..errors import NoSignalError, ReadError
from ..lazy import FrameArray, StackedArray
from ..signal import Axis, Signal
from .arrays import array_of
from .paths import stem
from .skipping import skipping, warn
from .tree import child, children, is_array
from .values import value_of
from .veloxnames import document, names_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..lazy.files import SharedFile
    from .nodes import Nodes

_IMAGE = "Image"
_SPECTRA = ("Spectrum", "SpectrumStream", "SpectrumImage", "EelsSpectrumImage")
_FORMATS = {"Velox", "DevelopersKit"}
_READER = "this reader shows images; HyperSpy (rosettasciio) reads EDS and EELS"


def recognises(nodes: Nodes) -> bool:
    """Whether a file holds Velox data.

    Parameters
    ----------
    nodes
        All groups and datasets of the file, root first.
    """
    root = nodes[0]
    data = child(root, "Data")
    if not isinstance(data, h5py.Group):
        return False
    kinds = [child(data, kind) for kind in (_IMAGE, *_SPECTRA)]
    groups = [kind for kind in kinds if isinstance(kind, h5py.Group)]
    if not groups:
        return False
    return document(child(root, "Version")).get("format") in _FORMATS or any(
        child(kind, f"{uuid}/Metadata") is not None for kind in groups for uuid in kind
    )


def signals(file: SharedFile, nodes: Nodes) -> list[Signal]:
    """Make a signal of every image and every series of images.

    Parameters
    ----------
    file
        The file, for lazy reading.
    nodes
        All its groups and datasets, root first.

    Raises
    ------
    NoSignalError
        If the file holds spectra only.
    """
    root = nodes[0]
    names = names_of(root)
    found: list[Signal] = []
    for group in _children(root, f"Data/{_IMAGE}"):
        with skipping(file, group.name):
            found.append(_signal(file, group, names.get(stem(group.name), "")))
    spectra = _spectra(root)
    if not found:
        held = f"only spectra ({spectra})" if spectra else "no image that can be read"
        raise NoSignalError(f"{file.path} holds {held}; {_READER}")
    if spectra:
        warn(
            f"{file.path} also holds spectra ({spectra}); they are left out: {_READER}"
        )
    return found


def _children(root: h5py.Group, path: str) -> list[h5py.Group]:
    group = child(root, path)
    if not isinstance(group, h5py.Group):
        return []
    return [node for _, node in children(group) if isinstance(node, h5py.Group)]


def _spectra(root: h5py.Group) -> str:
    counts = {kind: len(_children(root, f"Data/{kind}")) for kind in _SPECTRA}
    return ", ".join(f"{count} {kind}" for kind, count in counts.items() if count)


def _signal(file: SharedFile, group: h5py.Group, title: str) -> Signal:
    dataset = child(group, "Data")
    if not is_array(dataset) or dataset.ndim not in (2, 3) or not dataset.size:
        raise ReadError("it has no numbers of shape (y, x, frame)")
    stored = array_of(file, dataset)
    frames = stored.transpose(2, 0, 1) if stored.ndim == 3 else StackedArray([stored])
    metadata = _metadata(file, group)
    count, height, width = frames.shape
    axes = (
        _axis("y", height, metadata, "height", "PixelUnitY", "PixelUnitX"),
        _axis("x", width, metadata, "width", "PixelUnitX", "PixelUnitY"),
    )
    return Signal(
        name=title or _detector(metadata) or stem(group.name),
        data=frames if count > 1 else FrameArray(frames),
        axes=(_time(count, metadata), *axes) if count > 1 else axes,
        metadata=metadata,
        path=file.path,
        dataset=dataset.name,
    )


def _metadata(file: SharedFile, group: h5py.Group) -> dict[str, Any]:
    """Read what is said of the first frame; others differ in time and stage."""
    node = child(group, "Metadata")
    if not isinstance(node, h5py.Dataset) or node.ndim != 2 or not node.size:
        return {}
    text = value_of(node, (slice(None), 0)).tobytes().partition(b"\0")[0]
    try:
        found = json.loads(text.decode("utf-8", "replace"))
    except (ValueError, RecursionError) as error:
        warn(f"{file.path}:{node.name} is damaged, so nothing is calibrated: {error}")
        return {}
    return found if isinstance(found, dict) else {}


def _axis(
    name: str, size: int, metadata: Mapping[str, Any], extent: str, *units: str
) -> Axis:
    step = _number(metadata, "BinaryResult", "PixelSize", extent)
    if not step:
        return Axis.index(size, name)
    offset = _number(metadata, "BinaryResult", "Offset", name)
    result = metadata["BinaryResult"]
    unit = next((str(result[key]) for key in units if result.get(key)), "")
    return Axis(name, unit, offset + step * np.arange(size))


def _time(count: int, metadata: Mapping[str, Any]) -> Axis:
    detector = f"Detector-{_value(metadata, 'BinaryResult', 'DetectorIndex')}"
    step = _number(metadata, "Scan", "FrameTime") or _number(
        metadata, "Detectors", detector, "ExposureTime"
    )
    if not step:
        return Axis.index(count, "frame")
    return Axis("time", "s", step * np.arange(count))


def _detector(metadata: Mapping[str, Any]) -> str:
    index = _value(metadata, "BinaryResult", "DetectorIndex")
    return str(
        _value(metadata, "BinaryResult", "Detector")
        or _value(metadata, "Detectors", f"Detector-{index}", "DetectorName")
        or ""
    )


def _value(metadata: Mapping[str, Any], *keys: str) -> Any:
    value: Any = metadata
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _number(metadata: Mapping[str, Any], *keys: str) -> float:
    """Read a number; 0 where there is none."""
    try:
        value = float(_value(metadata, *keys))
    except (TypeError, ValueError):
        return 0.0
    return value if math.isfinite(value) else 0.0
