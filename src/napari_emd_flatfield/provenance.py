"""Who did what to the data, and when: the history kept in EMD ``comments``."""

from __future__ import annotations

from datetime import UTC, datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

COMMENTS = "comments"


def software() -> str:
    """Name and version of this package, e.g. ``"napari-emd-flatfield 0.1.0"``."""
    return f"napari-emd-flatfield {version('napari-emd-flatfield')}"


def timestamp() -> str:
    """The time now as EMD keys its comments: ``"2026-11-21 11:16:00 (UTC)"``."""
    return f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S (UTC)}"


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
        The comments with the new one; two within a second share its stamp.
    """
    stamp = timestamp()
    before = comments.get(stamp)
    return {**comments, stamp: f"{before}\n{text}" if before else text}
