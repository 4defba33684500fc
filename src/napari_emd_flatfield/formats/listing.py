"""What is in a file, as text for people and as JSON for programs."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from ..plaintext import printable
from .contents import contents
from .wording import cells, shape_text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ..lazy.files import SharedFile
    from ..signal import Axis, Signal
    from .contents import Item


def summary(path: Path, signals: Sequence[Signal]) -> str:
    """Describe the signals of a file in a line each.

    Parameters
    ----------
    path
        The file they were read from.
    signals
        What `read` found in it.
    """
    if not signals:
        return f"{path}: no image"
    lines = [f"{path}: {len(signals)} signal{'s' * (len(signals) > 1)}"]
    names = [printable(signal.name) for signal in signals]
    widest = max(map(len, names))
    for signal, name in zip(signals, names, strict=True):
        axes = ", ".join(_axis(axis) for axis in signal.axes)
        lines.append(
            f"  {signal.role:4}  {name:{widest}}  "
            f"{shape_text(signal.shape)} {signal.dtype}  {printable(axes)}"
        )
    return "\n".join(lines)


def listing(file: SharedFile, signals: Sequence[Signal]) -> str:
    """List all groups and datasets of a file, as a tree.

    Parameters
    ----------
    file
        An HDF5 file.
    signals
        What `read` found in it: their roles stand beside their datasets.
    """
    items = contents(file, signals)
    return "\n".join(map(_line, items))


def document(file: SharedFile, signals: Sequence[Signal]) -> str:
    """Describe the signals and the tree of a file in one JSON document.

    Parameters
    ----------
    file
        An HDF5 file.
    signals
        What `read` found in it.

    Returns
    -------
    str
        An object of ``file``, ``signals`` and ``tree``: a list, parents first.
        Numbers JSON does not know, like NaN, are null.
    """
    items = contents(file, signals)
    described = {
        "file": str(file.path),
        "signals": [_signal_facts(signal) for signal in signals],
        "tree": [_facts(item) for item in items],
    }
    return json.dumps(described, indent=2, allow_nan=False)


def _axis(axis: Axis) -> str:
    if not len(axis):
        return axis.name
    span = f"{axis.values[0]:g}…{axis.values[-1]:g} {axis.units}".rstrip()
    return f"{axis.name or '?'} {span}"


def _line(item: Item) -> str:
    entry = item.entry
    depth = entry.path.count("/") if entry.path != "/" else 0
    name, shape, dtype, chunks, filters, *_ = cells(entry)
    if entry.kind == "group":
        words = [name if entry.path == "/" or entry.link != "hard" else f"{name}/"]
    else:
        words = [f"{name} ", shape, dtype]
    if chunks:
        words += ["chunks", chunks, filters.replace(",", "")]
    if item.units:
        words.append(f"[{printable(item.units)}]")
    if item.roles:
        words.append(f"({', '.join(item.roles)})")
    return "  " * depth + " ".join(filter(None, words))


def _signal_facts(signal: Signal) -> dict[str, Any]:
    return {
        "name": signal.name,
        "role": signal.role,
        "shape": signal.shape,
        "dtype": str(signal.dtype),
        "dataset": signal.dataset,
        "axes": [
            {
                "name": axis.name,
                "units": axis.units,
                "size": len(axis),
                "first": _number(axis.values[0]),
                "last": _number(axis.values[-1]),
                "uniform": axis.is_uniform,
            }
            for axis in signal.axes
        ],
    }


def _facts(item: Item) -> dict[str, Any]:
    entry, stored = item.entry, item.entry.storage
    facts: dict[str, Any] = {
        "path": entry.path,
        "kind": entry.kind,
        "attributes": item.attributes,
        "roles": item.roles,
    }
    if entry.link != "hard":
        facts |= {"link": entry.link, "target": entry.target}
    if stored is not None:
        facts |= {
            "shape": stored.shape,
            "dtype": stored.dtype,
            "units": item.units,
            "layout": stored.layout,
            "chunks": stored.chunks,
            "filters": stored.filters,
            "missing_filters": stored.missing,
            "bytes": stored.size,
            "stored_bytes": stored.stored,
        }
    return facts


def _number(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
