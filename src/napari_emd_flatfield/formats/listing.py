"""What is in a file, as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

import h5py

from ..lazy.files import SharedFile
from .storage import storage
from .tree import stem, walk
from .wording import printable, shape_text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ..signal import Axis, Signal


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
    widest = max(len(signal.name) for signal in signals)
    for signal in signals:
        axes = ", ".join(_axis(axis) for axis in signal.axes)
        lines.append(
            f"  {signal.role:4}  {signal.name:{widest}}  "
            f"{shape_text(signal.shape)} {signal.dtype}  {axes}"
        )
    return "\n".join(lines)


def listing(path: Path) -> str:
    """List all groups and datasets of a file, as a tree.

    Parameters
    ----------
    path
        An HDF5 file.
    """
    lines = []
    file = SharedFile.of(path)
    for node in walk(file.handle()):
        depth = node.name.count("/") if node.name != "/" else 0
        label = stem(node.name) or "/"
        if isinstance(node, h5py.Dataset):
            label += f"  {_storage(node)}"
        elif label != "/":
            label += "/"
        lines.append("  " * depth + printable(label))
    return "\n".join(lines)


def _axis(axis: Axis) -> str:
    if not len(axis):
        return axis.name
    span = f"{axis.values[0]:g}…{axis.values[-1]:g} {axis.units}".rstrip()
    return f"{axis.name or '?'} {span}"


def _storage(dataset: h5py.Dataset) -> str:
    stored = storage(dataset)
    words = [shape_text(stored.shape), stored.dtype]
    if stored.chunks:
        words.append(f"chunks {shape_text(stored.chunks)}")
    return " ".join([*words, *stored.filters])
