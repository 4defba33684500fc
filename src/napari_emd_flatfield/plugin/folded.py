"""Parts of a dock that are folded away until wanted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QEvent
from superqt import QCollapsible

if TYPE_CHECKING:
    from qtpy.QtGui import QShowEvent

_RECOLOURED = (QEvent.Type.StyleChange, QEvent.Type.PaletteChange)


class Folded(QCollapsible):
    """A title that unfolds what is below it, at once.

    Parameters
    ----------
    title
        Text of the button that does it.
    """

    def __init__(self, title: str) -> None:
        super().__init__(title)
        self.setDuration(0)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._draw_arrows()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() in _RECOLOURED:
            self._draw_arrows()

    def _draw_arrows(self) -> None:
        # superqt paints them once, in the colours before there is a theme.
        self.toggleButton().ensurePolished()
        self.setExpandedIcon("▼")
        self.setCollapsedIcon("▶")
