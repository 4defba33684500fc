"""Buttons of the docks."""

from __future__ import annotations

from qtpy.QtWidgets import QPushButton


def button(text: str, tooltip: str) -> QPushButton:
    """Make a button.

    Parameters
    ----------
    text
        What it says, with ``&`` before the letter that presses it.
    tooltip
        What it does.
    """
    made = QPushButton(text)
    made.setToolTip(tooltip)
    return made
