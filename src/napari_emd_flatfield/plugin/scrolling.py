"""What a dock holds, scrolled where there is not room for all of it."""

from __future__ import annotations

from qtpy.QtCore import QSize
from qtpy.QtWidgets import QScrollArea, QWidget


class Scrolled(QScrollArea):
    """Scrolls a widget, but asks for room to show all its width.

    Parameters
    ----------
    inside
        What is scrolled.
    """

    def __init__(self, inside: QWidget) -> None:
        super().__init__()
        self.setWidgetResizable(True)
        self.setFrameShape(QScrollArea.Shape.NoFrame)
        self.setWidget(inside)

    def sizeHint(self) -> QSize:
        # Qt's own goes by the font alone.
        bar = self.verticalScrollBar().sizeHint()
        return self.widget().sizeHint() + QSize(bar.width(), 0)
