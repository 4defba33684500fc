"""How much of what was read is kept: a setting of the plugin, applied at once."""

from __future__ import annotations

from typing import Any

from napari.settings import get_plugin_settings

from ..lazy import CACHE

_MB = 10**6


def keep_as_set() -> None:
    """Keep as many bytes as the setting says, from now on and when it changes."""
    try:
        reading = get_plugin_settings("napari-emd-flatfield").reading
    except KeyError:  # napari does not know the plugin: nothing was set
        return
    reading.events.memory.connect(_on_changed)
    CACHE.limit = reading.memory * _MB


def _on_changed(event: Any) -> None:
    CACHE.limit = event.value * _MB
