"""A signal as its file has it now: files grow while they are looked at."""

from __future__ import annotations

from dataclasses import replace
from glob import escape
from typing import TYPE_CHECKING

import numpy as np

from ..errors import NoSignalError, ReadError
from ..lazy import LazyArray
from ..lazy.files import SharedFile
from ..signal import Axis
from .components import COMPONENT
from .reading import read

if TYPE_CHECKING:
    from ..signal import Signal


def refreshed(signal: Signal) -> Signal:
    """Look a signal up again in the file it was read from.

    Parameters
    ----------
    signal
        As `read` returned it.

    Returns
    -------
    Signal
        A new one; `signal` shows what it showed.

    Raises
    ------
    FileNotFoundError
        If the file is gone.
    FileOpenError
        If it cannot be opened now.
    NoSignalError
        If the image is no longer in it.
    ReadError
        If the signal was not read from a file, or the file cannot be read now.
    """
    if signal.path is None or signal.dataset is None:
        raise ReadError(
            f"signal {signal.name!r} was not read from a file, so there is nothing "
            "to look up again"
        )
    # Files that this one links to may have grown without a change to it.
    files = signal.data.files() if isinstance(signal.data, LazyArray) else ()
    follow_external = any(file.follow_external for file in files)
    SharedFile.of(signal.path, follow_external).close()
    found = read(
        signal.path,
        escape(signal.dataset),
        signal.metadata.get(COMPONENT, "modulus"),
        follow_external=follow_external,
    )
    same = [each for each in found if each.dataset == signal.dataset]
    if not same:
        raise NoSignalError(f"{signal.origin} is no longer an image")
    # A tomogram's raw frames, flats and darks may share one dataset.
    new = max(same, key=lambda each: _likeness(each, signal))
    axes = new.axes
    if len(axes) == len(signal.axes):
        axes = tuple(map(_continued, signal.axes, axes))
    return replace(new, name=signal.name, role=signal.role, axes=axes)


def _likeness(signal: Signal, other: Signal) -> tuple[bool, ...]:
    return (
        signal.role == other.role,
        signal.name == other.name,
        signal.frame_shape == other.frame_shape,
    )


def _continued(old: Axis, new: Axis) -> Axis:
    """Continue a vector that its writer has not extended yet, as it does the data."""
    more = len(new) - len(old)
    if more <= 0 or len(old) < 2 or old.is_index or not new.is_index:
        return new
    last, step = old.values[-1], old.values[-1] - old.values[-2]
    further = last + step * np.arange(1, more + 1)
    return Axis(old.name, old.units, np.append(old.values, further))
