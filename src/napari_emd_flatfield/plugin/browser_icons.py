"""Small drawings that tell what a name leads to, in the colour of the text."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from qtpy.QtCore import QByteArray, QRect, QRectF, QSize, Qt
from qtpy.QtGui import QIcon, QIconEngine, QPainter, QPixmap
from qtpy.QtSvg import QSvgRenderer

if TYPE_CHECKING:
    from ..formats.entries import Kind, Link

# Lines on a square of 16 × 16.
_DRAWINGS: dict[Kind, str] = {
    "group": '<path d="M1.5 3.5h5l1.5 2h6.5v8h-13z"/>',
    "image": '<rect x="1.5" y="2.5" width="13" height="11"/>'
    '<path d="M2 12.5l3.500-5.500 3 4 2.500-2.500 3 4"/>',
    "dataset": '<rect x="1.5" y="2.5" width="13" height="11"/>'
    '<path d="M1.5 6.200h13M1.5 9.800h13M6 2.500v11"/>',
    "datatype": '<path d="M3 3.500h10M8 3.500v9.500"/>',
    "missing": '<path d="M3 3l10 10M13 3l-10 10"/>',
}
# What is linked is smaller and makes room for an arrow: one that points on in
# this file, or one that points out of it.
_LINKED: dict[Link, str] = {
    "hard": "{drawing}",
    "soft": '<g transform="scale(.72)">{drawing}</g>'
    '<path d="M3 13.500h10.500M10.500 10.700l3 2.800-3 2.800"/>',
    "external": '<g transform="translate(0 4.500) scale(.72)">{drawing}</g>'
    '<path d="M9.500 6.500l5-5M10.500 1.500h4v4"/>',
}
_SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><g fill="none" '
    'stroke="{colour}" stroke-width="1.300" stroke-linejoin="round" '
    'stroke-linecap="round">{drawing}</g></svg>'
)


class _Engine(QIconEngine):
    """Draws at whatever size a style or a sharper screen asks for."""

    def __init__(self, svg: str) -> None:
        super().__init__()
        self._svg = svg

    def paint(
        self,
        painter: QPainter,
        rect: QRect,
        mode: QIcon.Mode,  # noqa: ARG002 - Qt passes them
        state: QIcon.State,  # noqa: ARG002
    ) -> None:
        QSvgRenderer(QByteArray(self._svg.encode())).render(painter, QRectF(rect))

    def pixmap(self, size: QSize, mode: QIcon.Mode, state: QIcon.State) -> QPixmap:
        pixmap = QPixmap(size)
        pixmap.fill(Qt.GlobalColor.transparent)
        painter = QPainter(pixmap)
        self.paint(painter, QRect(0, 0, size.width(), size.height()), mode, state)
        painter.end()
        return pixmap

    def clone(self) -> _Engine:
        return _Engine(self._svg)


@lru_cache
def icon(kind: Kind, link: Link, colour: str) -> QIcon:
    """Draw the icon of an entry.

    Parameters
    ----------
    kind, link
        Of the entry.
    colour
        Name of the colour to draw in, e.g. ``"#f0f1f2"``.
    """
    drawing = _LINKED[link].format(drawing=_DRAWINGS[kind])
    return QIcon(_Engine(_SVG.format(colour=colour, drawing=drawing)))
