"""What Velox calls its images: the title of their display, or their detector.

    before version 11
        /Presentation/Displays/ImageDisplay/<uuid>      {display: {label}, dataPath}
        /Operations/<kind>/<uuid>                       {dataPath, detector…}
    since then
        /Displays/ImageDisplay/<uuid>                   {title, id, data: <path>}
        <path> in /SharedProperties                     {dataPath}

Each is a dataset with one string, a JSON document. Labels are URL-encoded.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import h5py

from .attributes import decode
from .paths import stem
from .tree import child, children
from .values import value_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from .tree import Node

_PATHS = ("dataPath", "unfilteredDataPath", "imageOutputPath")


def names_of(root: h5py.Group) -> dict[str, str]:
    """Name the images of a file.

    Parameters
    ----------
    root
        The root group.

    Returns
    -------
    dict
        Title by uuid, for those images that have one.
    """
    found: dict[str, str] = {}
    for named in (_operations(root), _old_displays(root), _displays(root)):
        found.update((uuid, name) for uuid, name in named if uuid and name)
    return found


def document(node: Node | None) -> dict[str, Any]:
    """Read a dataset that holds a JSON document.

    Parameters
    ----------
    node
        The dataset; anything else counts as an empty document.

    Returns
    -------
    dict
        Empty where there is no document, or none that can be read.
    """
    if not isinstance(node, h5py.Dataset) or node.size != 1:
        return {}
    try:
        value = json.loads(decode(value_of(node)))
    except (OSError, RuntimeError, TypeError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def _documents(root: h5py.Group, path: str) -> Iterator[dict[str, Any]]:
    group = child(root, path)
    if isinstance(group, h5py.Group):
        for _, node in children(group):
            yield document(node)


def _displays(root: h5py.Group) -> Iterator[tuple[str, str]]:
    for display in _documents(root, "Displays/ImageDisplay"):
        reference = display.get("data")
        if isinstance(reference, str):
            data = document(child(root, reference))
            yield _uuid(data), _text(display, "title") or _text(display, "id")


def _old_displays(root: h5py.Group) -> Iterator[tuple[str, str]]:
    for display in _documents(root, "Presentation/Displays/ImageDisplay"):
        shown = display.get("display")
        if isinstance(shown, dict):
            yield _uuid(display), _text(shown, "label")


def _operations(root: h5py.Group) -> Iterator[tuple[str, str]]:
    operations = child(root, "Operations")
    if not isinstance(operations, h5py.Group):
        return
    for kind in operations:
        for operation in _documents(operations, kind):
            for key in _PATHS:
                yield _uuid(operation, key), _made_by(kind, operation, key)


def _made_by(kind: str, operation: Mapping[str, Any], key: str) -> str:
    """What an operation's image shows: the detector, or what was computed."""
    match kind:
        case "CameraInputOperation":
            return _text(operation, "cameraName")
        case "StemInputOperation":
            return _text(operation, "detector")
        case "SurfaceReconstructionOperation":
            name = "iDPC" if operation.get("integrationMode") == "true" else "dDPC"
            filtered = key == "dataPath" and operation.get("enableFilter") == "true"
            return f"Filtered {name}" if filtered else name
        case "MathematicsOperation":
            outputs = operation.get("outputs") or [{}]
            return {"0": "A-C", "1": "B-D"}.get(outputs[0].get("inputIndex"), "")
        case "DpcOperation":
            return "DPC"
        case "IntegrationOperation":
            return "DCFI"
        case "FftOperation":
            return "Half FFT"
    return ""


def _uuid(values: Mapping[str, Any], key: str = "dataPath") -> str:
    return stem(_text(values, key))


def _text(values: Mapping[str, Any], key: str) -> str:
    value = values.get(key)
    return unquote(value) if isinstance(value, str) else ""
