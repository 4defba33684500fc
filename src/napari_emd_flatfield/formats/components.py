"""Complex data as images that can be shown.

A dialect hands complex data on as they are. `read` makes real images of them
in one place, so that no dialect needs to know which part is wanted.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, get_args

from ..errors import SignalError
from ..lazy import Part, PartArray, adapt

if TYPE_CHECKING:
    from ..signal import Signal

# Where a signal's metadata say which part of complex numbers it shows.
COMPONENT = "component"


def check(component: str) -> None:
    """Refuse what is no part of complex numbers.

    Parameters
    ----------
    component
        What a caller asked for.

    Raises
    ------
    SignalError
        If it is not one of the parts there are.
    """
    if component not in get_args(Part):
        known = ", ".join(map(repr, get_args(Part)))
        raise SignalError(f"component is one of {known}, not {component!r}")


def shown(signal: Signal, component: Part) -> Signal:
    """Make a signal real: napari cannot show complex numbers.

    Parameters
    ----------
    signal
        Any signal.
    component
        The part of complex data to show.

    Returns
    -------
    Signal
        The signal itself, unless its data are complex.
    """
    if signal.dtype.kind != "c":
        return signal
    return replace(
        signal,
        data=PartArray(adapt(signal.data), component),
        metadata={**signal.metadata, COMPONENT: component},
    )
