"""The view of the tree: fetches what comes in sight, and is dragged from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import (
    QEvent,
    QItemSelectionModel,
    QMimeData,
    QModelIndex,
    QObject,
    QPoint,
    QSize,
    Qt,
)
from qtpy.QtCore import Signal as QtSignal
from qtpy.QtGui import QDrag, QDropEvent, QPainter, QPalette
from qtpy.QtWidgets import (
    QAbstractItemView,
    QApplication,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTreeView,
    QWidget,
)

from .browser_icons import icon
from .browser_model import ENTRY

if TYPE_CHECKING:
    from collections.abc import Iterable

    from qtpy.QtGui import QKeyEvent, QPaintEvent

    from ..formats.entries import Entry

_DRAGGING = (QEvent.Type.DragEnter, QEvent.Type.DragMove, QEvent.Type.Drop)
_FADED = 0.6


class TreeView(QTreeView):
    """A tree of entries. Emits `dropped` when some were dragged to the viewer.

    Parameters
    ----------
    browser
        Widget it is part of; what is dropped there goes nowhere.
    """

    dropped = QtSignal()

    def __init__(self, browser: QWidget) -> None:
        super().__init__(browser)
        self._browser = browser
        self.hint = ""  # shown where there is no row
        self.setItemDelegate(_Delegate(self))
        self.setUniformRowHeights(True)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setDragDropMode(QAbstractItemView.DragDropMode.DragOnly)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.setAccessibleName("Objects in the file")
        self.header().setStretchLastSection(False)
        # Width is found from the rows in sight, not from all there are.
        self.header().setResizeContentsPrecision(0)
        self.expanded.connect(self._grow_columns)
        self.verticalScrollBar().valueChanged.connect(self._fetch_in_sight)
        self.verticalScrollBar().rangeChanged.connect(self._fetch_in_sight)

    def entries(self) -> list[Entry]:
        """What is selected, from top to bottom."""
        rows = sorted(self.selectionModel().selectedRows(), key=_place)
        return [row.data(ENTRY) for row in rows]

    def fit_columns(self) -> None:
        """Make columns as wide as what they hold, the names within reason."""
        for column in range(self.model().columnCount()):
            self.setColumnWidth(column, self._wanted_width(column))

    def select(self, rows: Iterable[QModelIndex]) -> None:
        """Select some rows, and nothing else.

        Parameters
        ----------
        rows
            Invalid ones are passed over.
        """
        self.clearSelection()
        flag = QItemSelectionModel.SelectionFlag
        for row in rows:
            if row.isValid():
                self.selectionModel().setCurrentIndex(row, flag.Select | flag.Rows)

    def expand_small(self, most: int) -> None:
        """Expand groups, outer ones first, as long as few rows come of it.

        Parameters
        ----------
        most
            How many rows may be added.
        """
        pending = [QModelIndex()]
        while pending:
            group = pending.pop(0)
            for row in self._rows(group):
                entry: Entry = row.data(ENTRY)
                if entry.link == "hard" and 0 < entry.count <= most:
                    most -= entry.count
                    self.expand(row)
                    pending.append(row)

    def expand_above(self, row: QModelIndex) -> None:
        """Expand all groups that a row lies in.

        Parameters
        ----------
        row
            Any row.
        """
        while (row := row.parent()).isValid():
            self.expand(row)

    def expand_above_matches(self) -> None:
        """Expand what is shown only for what is below it."""
        pending = [QModelIndex()]
        while pending:
            for row in self._rows(pending.pop()):
                if self.model().only_leads(row):
                    self.expand(row)
                    pending.append(row)

    def expanded_paths(self) -> list[str]:
        """HDF5 paths of the groups that are expanded, outer ones first."""
        found = []
        pending = [QModelIndex()]
        while pending:
            for row in self._rows(pending.pop()):
                if self.isExpanded(row):
                    found.append(row.data(ENTRY).path)
                    pending.append(row)
        return sorted(found)

    def _wanted_width(self, column: int) -> int:
        held = max(
            self.sizeHintForColumn(column), self.header().sectionSizeHint(column)
        )
        if column:
            return int(held)
        # Names may be long, but the tree is laid out before its dock is.
        least = 32 * self.fontMetrics().averageCharWidth()
        return int(min(held, max(least, self.viewport().width() // 2)))

    def _grow_columns(self) -> None:
        for column in range(self.model().columnCount()):
            wanted = self._wanted_width(column)
            self.setColumnWidth(column, max(wanted, self.columnWidth(column)))

    def _rows(self, group: QModelIndex) -> list[QModelIndex]:
        model = self.model()
        return [model.index(i, 0, group) for i in range(model.rowCount(group))]

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self.model().rowCount() == 0:
            painter = QPainter(self.viewport())
            margin = self.fontMetrics().height()
            place = self.viewport().rect().adjusted(margin, margin, -margin, -margin)
            how = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
            painter.drawText(place, how, self.hint)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        # Qt opens everything below, which has no end where links lead in circles.
        if event.key() == Qt.Key.Key_Asterisk:
            self.expand(self.currentIndex())
        else:
            super().keyPressEvent(event)

    def startDrag(
        self,
        actions: Qt.DropAction,  # noqa: ARG002 - Qt passes it
    ) -> None:
        data = QMimeData()
        data.setText("\n".join(entry.path for entry in self.entries()))
        drag = QDrag(self)
        drag.setMimeData(data)
        # napari's window takes files only; while we drag we answer in its place.
        application = QApplication.instance()
        application.installEventFilter(self)
        drag.exec(Qt.DropAction.CopyAction)
        application.removeEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if (
            event.type() not in _DRAGGING
            or not isinstance(event, QDropEvent)
            or not isinstance(watched, QWidget)
            or not self._window().isAncestorOf(watched)
        ):
            return bool(super().eventFilter(watched, event))
        # What no widget in the browser takes comes to those around it.
        point = watched.mapToGlobal(event.position().toPoint())
        if self._browser.rect().contains(self._browser.mapFromGlobal(point)):
            event.ignore()
        else:
            event.acceptProposedAction()
            if event.type() == QEvent.Type.Drop:
                self.dropped.emit()
        return True

    def _window(self) -> QWidget:
        """Napari's window, also of a dock that floats."""
        window: QWidget = self
        while window.parentWidget() is not None:
            window = window.parentWidget()
        return window

    def _fetch_in_sight(self) -> None:
        """Fetch the next rows of every group whose last row can be seen.

        Qt does so for the outermost group only.
        """
        model = self.model()
        bottom = self.viewport().height()
        index = self.indexAt(QPoint(0, 0))
        while index.isValid() and self.visualRect(index).top() <= bottom:
            group = index.parent()
            is_last = index.row() == model.rowCount(group) - 1
            if is_last and model.canFetchMore(group):
                model.fetchMore(group)
            index = self.indexBelow(index)


def _place(row: QModelIndex) -> list[int]:
    """Where a row stands in the tree, whatever is expanded."""
    place = []
    while row.isValid():
        place.append(row.row())
        row = row.parent()
    return place[::-1]


class _Delegate(QStyledItemDelegate):
    """Draws names with icons, links in italics, and what is missing faded."""

    def initStyleOption(self, option: QStyleOptionViewItem, index: QModelIndex) -> None:
        super().initStyleOption(option, index)
        entry: Entry = index.data(ENTRY)
        colour = option.palette.color(QPalette.ColorRole.Text)
        if entry.kind == "missing":
            colour.setAlphaF(_FADED)
            option.palette.setColor(QPalette.ColorRole.Text, colour)
        if index.column() == 0:
            option.font.setItalic(entry.link != "hard")
            option.features |= QStyleOptionViewItem.ViewItemFeature.HasDecoration
            height = option.fontMetrics.height()
            option.decorationSize = QSize(height, height)
            option.icon = icon(entry.kind, entry.link, colour.name())
