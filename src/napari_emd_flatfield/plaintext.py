"""Text from files, for terminals and windows: neither escapes nor markup."""

from __future__ import annotations

import re

_TAG = re.compile(r"<(?=[a-zA-Z/!?][^<>]*>)")


def printable(text: str | bytes) -> str:
    """Show control characters as such: a name must not steer a terminal.

    Parameters
    ----------
    text
        Anything from a file; what is not UTF-8 comes as bytes.
    """
    if isinstance(text, bytes):
        text = text.decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def message(text: str) -> str:
    """Write a message that is shown who knows where.

    Parameters
    ----------
    text
        One sentence, with names from files in it.

    Returns
    -------
    str
        With control characters as such, and ``‹b>`` for ``<b>``: Qt, and so
        napari's notifications, would take it for markup.
    """
    return _TAG.sub("‹", printable(text))
