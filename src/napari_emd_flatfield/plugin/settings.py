"""What napari keeps of the plugin's settings between sessions."""

from __future__ import annotations

from typing import Any

from napari.settings import get_plugin_settings

PLUGIN = "napari-emd-flatfield"


def stored(category: str) -> Any:
    """Settings of one category of the manifest.

    Parameters
    ----------
    category
        E.g. ``"flatfield"``.

    Returns
    -------
    object
        One attribute a setting; None where napari does not know the plugin.
    """
    try:
        return getattr(get_plugin_settings(PLUGIN), category)
    except KeyError:
        return None


def follows_external() -> bool:
    """Whether files may show data of others outside of their folder."""
    return bool(getattr(stored("reading"), "follow_external", False))
