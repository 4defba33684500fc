"""Following napari's events for as long as a widget lives."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from qtpy.QtWidgets import QWidget


def follow(widget: QWidget, event: Any, slot: Callable[..., None]) -> None:
    """Call a widget's method on an event, until the widget is destroyed.

    Parameters
    ----------
    widget
        Whose method it is: its closed dock must not be called.
    event
        An event of the viewer or of a layer.
    slot
        Called with the event.
    """
    event.connect(slot)
    widget.destroyed.connect(partial(_disconnect, event, slot))


def _disconnect(event: Any, slot: Any, *_: Any) -> None:
    with suppress(AttributeError):  # a viewer that closes empties its events first
        event.disconnect(slot)
