"""Which images of a file are opened when nobody says which.

A file with at most 32 images is opened whole. Of any other, the plot it
declares its default is opened; without one, its largest image and those with
frames of the same size, the first 32 of each role. The rest is a
``read(path, dataset=…)`` away.
"""

from __future__ import annotations

from collections import Counter
from math import prod
from typing import TYPE_CHECKING

from .nexus import default_plot
from .skipping import warn

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import h5py

    from ..signal import Role, Signal

_MOST = 32


def opened_unasked(path: Path, root: h5py.Group, signals: list[Signal]) -> list[Signal]:
    """Choose the images somebody who opens a file wants to see.

    Parameters
    ----------
    path
        The file.
    root
        Its root group.
    signals
        All images in it.

    Returns
    -------
    list of Signal
        `signals` itself, or some of them, with a warning that says so.
    """
    if len(signals) <= _MOST:
        return signals
    plot = default_plot(root)
    shown = _within(plot, signals) if plot else []
    what = "its default plot"
    if not shown:
        shown = _largest(signals)
        what = "the largest"
    warn(
        f"{path} holds {len(signals)} images; {len(shown)} are opened, {what}. "
        'Ask for others with read(path, dataset="…"), for all with dataset="*"'
    )
    return shown


def _within(group: h5py.Group, signals: Sequence[Signal]) -> list[Signal]:
    inside = f"{group.name.rstrip('/')}/"
    return [s for s in signals if s.dataset and s.dataset.startswith(inside)]


def _largest(signals: Sequence[Signal]) -> list[Signal]:
    frame = max(signals, key=lambda signal: prod(signal.shape)).frame_shape
    taken: Counter[Role] = Counter()
    shown = []
    for signal in signals:
        if signal.frame_shape == frame and taken[signal.role] < _MOST:
            taken[signal.role] += 1
            shown.append(signal)
    return shown
