"""From the dock's choices to a corrected layer, without the GUI."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from ..flatfield import FlatField
from ..flatfield.corrected import CorrectedArray
from ..plaintext import message
from ..signal import Signal
from .layers import SIGNAL, shown_as
from .sampling import Profile, describe, sample_profile

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, eq=False)
class Corrected:
    """A corrected signal, and all there is to show of it.

    Parameters
    ----------
    raw
        What was corrected.
    data, kwargs
        What shows the result: arguments of ``viewer.add_image``.
    description, report
        What it rests on, in a line and in full.
    sample_profile
        Measures mean intensities along the scan; takes a while.
    """

    raw: Signal
    data: Any
    kwargs: dict[str, Any]
    description: str
    report: str
    sample_profile: Callable[[], Profile]


def build(
    raw: Signal,
    flats: list[Signal],
    dark: Signal | None,
    positions: list[float] | None,
    settings: dict[str, Any],
) -> Corrected:
    """Correct a signal, and look at a few of its frames.

    Parameters
    ----------
    raw, flats, dark
        The signals chosen.
    positions
        Where the flats lie; None where the flats say so themselves.
    settings
        Further keyword arguments of `FlatField`.

    Raises
    ------
    FlatFieldError
        If they do not fit together.
    ReadError
        If one of them cannot be read.
    """
    references = flats[0] if len(flats) == 1 else flats
    flatfield = FlatField(references, dark, positions=positions, **settings)
    corrected = flatfield.correct(raw)
    data, kwargs = shown_as(corrected, corrected.axes)
    report = flatfield.report(raw)
    return Corrected(
        raw=raw,
        data=data,
        kwargs=kwargs,
        description=describe(flatfield, corrected, report),
        report=str(report),
        sample_profile=partial(sample_profile, raw, flats, flatfield, corrected),
    )


def is_live(layer: Any, name: str) -> bool:
    """Whether a layer shows a correction, not a file or a copy that was kept.

    Parameters
    ----------
    layer
        Any layer.
    name
        What the corrected signal is called.
    """
    signal = layer.metadata.get(SIGNAL)
    corrects = isinstance(signal, Signal) and isinstance(signal.data, CorrectedArray)
    # napari numbers a layer whose name is taken.
    shown = message(name)
    named = layer.name == shown or layer.name.startswith(f"{shown} [")
    return corrects and signal.name == name and named
