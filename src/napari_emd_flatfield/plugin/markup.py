"""Text from files, where Qt would take it for markup."""

from __future__ import annotations

from html import escape


def tooltip(*lines: str) -> str:
    """Write a tooltip in which nothing passes for markup.

    Parameters
    ----------
    *lines
        Plain text, for a line each.
    """
    return f"<qt>{'<br>'.join(map(escape, lines))}</qt>"
