"""Who did what to the data, and when: the history kept in EMD ``comments``."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib.metadata import version
from typing import Any

COMMENTS = "comments"


@cache
def software() -> str:
    """Name and version of this package, e.g. ``"napari-emd-flatfield 0.1.0"``."""
    return f"napari-emd-flatfield {version('napari-emd-flatfield')}"


def comments_of(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Read the history of a signal from its metadata.

    Parameters
    ----------
    metadata
        Of a signal or a napari layer, where ``"comments"`` may be anything.

    Returns
    -------
    dict
        Comments by timestamp; what is no such mapping stands as ``"undated"``.
    """
    comments = metadata.get(COMMENTS)
    if isinstance(comments, Mapping):
        return dict(comments)
    return {} if comments is None else {"undated": comments}


def with_comment(comments: Mapping[str, Any], text: str) -> dict[str, Any]:
    """Add a line to a history, stamped with the time now.

    Parameters
    ----------
    comments
        Existing comments by timestamp; unchanged.
    text
        What was done.

    Returns
    -------
    dict
        The comments with the new one, keyed as EMD does it, e.g. ``"2026-11-21
        11:16:00 (UTC)"``; the second after where that one is taken.
    """
    now = datetime.now(UTC)
    while (stamp := f"{now:%Y-%m-%d %H:%M:%S (UTC)}") in comments:
        now += timedelta(seconds=1)
    return {**comments, stamp: text}
