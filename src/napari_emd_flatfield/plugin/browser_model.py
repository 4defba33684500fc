"""The tree of an HDF5 file as a Qt model, filled as it is looked at."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QAbstractItemModel, QModelIndex, QObject, Qt
from qtpy.QtCore import Signal as QtSignal

from ..errors import EmdFlatfieldError
from ..formats.entries import Entry, entries, names, root
from ..formats.paths import inside
from ..formats.wording import cells, sentences
from .markup import tooltip

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..lazy.files import SharedFile

# Rows fetched at once: more than a screen shows, and still no noticeable wait.
BATCH = 100

COLUMNS = ("Name", "Shape", "Type", "Chunks", "Filter", "Stored", "Ratio")
ENTRY = Qt.ItemDataRole.UserRole

_NUMBERS = (COLUMNS.index("Stored"), COLUMNS.index("Ratio"))
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
_NOTHING = Entry("", "", "datatype")


class _Row:
    """An entry, and the rows below it that have been fetched.

    Its children are in the order of the names, though some may be missing.
    """

    def __init__(
        self, entry: Entry, parent: _Row | None = None, place: int = 0
    ) -> None:
        self.entry = entry
        self.parent = parent
        self.place = place  # among the names of the parent
        self.names: list[str] | None = None if entry.kind == "group" else []
        self.places: dict[str, int] = {}
        self.children: list[_Row] = []
        self.next = 0  # the first place not yet fetched in turn

    def position(self, place: int) -> int:
        return bisect_left(self.children, place, key=lambda child: child.place)

    def has(self, place: int) -> bool:
        return any(
            child.place == place for child in self.children[self.position(place) :][:1]
        )


class TreeModel(QAbstractItemModel):
    """Groups and datasets of one file.

    The names in a group are listed when it is first opened, and looked at a
    batch at a time, or one by one with `reveal`. Of the file nothing stays open
    but its handle.

    Parameters
    ----------
    parent
        Owner of the model.
    """

    failed = QtSignal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.file: SharedFile | None = None
        self._root = _Row(_NOTHING)

    def show(self, file: SharedFile | None) -> None:
        """Show a file from its beginning.

        Parameters
        ----------
        file
            The file; None lets go of the one shown, and shows nothing.

        Raises
        ------
        EmdFlatfieldError
            If it cannot be opened; what was shown stays.
        """
        top = _NOTHING if file is None else root(file)
        self.beginResetModel()
        self.file = file
        self._root = _Row(top)
        self.endResetModel()

    @property
    def top(self) -> Entry:
        """The root group."""
        return self._root.entry

    def reveal(self, path: str, entry: Entry | None = None) -> QModelIndex:
        """Fetch the rows that lead to an object, whatever else is fetched.

        Parameters
        ----------
        path
            HDF5 path.
        entry
            The object, where it has been looked at already.

        Returns
        -------
        QModelIndex
            Of the object; invalid when there is none of that path.
        """
        index = QModelIndex()
        for name in path.strip("/").split("/"):
            row = self._row(index)
            self._list(row)
            place = row.places.get(name)
            if place is None:
                return QModelIndex()
            if not row.has(place):
                if entry is not None and entry.path == inside(row.entry.path, name):
                    self._insert(index, row, place, [entry])
                else:
                    self._fetch(index, row, place, place + 1)
            if not row.has(place):
                return QModelIndex()
            index = self.index(row.position(place), 0, index)
        return index

    def fetched_paths(self) -> Iterator[str]:
        """HDF5 paths of all rows there are."""
        pending = [self._root]
        while pending:
            row = pending.pop()
            yield from (child.entry.path for child in row.children)
            pending.extend(row.children)

    def index(
        self, row: int, column: int, parent: QModelIndex | None = None
    ) -> QModelIndex:
        children = self._row(parent).children
        if not (0 <= row < len(children) and 0 <= column < len(COLUMNS)):
            return QModelIndex()
        return self.createIndex(row, column, children[row])

    def parent(self, index: QModelIndex) -> QModelIndex:
        above = self._row(index).parent
        if above is None or above.parent is None:
            return QModelIndex()
        return self.createIndex(above.parent.position(above.place), 0, above)

    def rowCount(self, parent: QModelIndex | None = None) -> int:
        return len(self._row(parent).children)

    def columnCount(
        self,
        parent: QModelIndex | None = None,  # noqa: ARG002 - the same for all
    ) -> int:
        return len(COLUMNS)

    def hasChildren(self, parent: QModelIndex | None = None) -> bool:
        row = self._row(parent)
        return row.entry.count > 0 if row.names is None else bool(row.names)

    def canFetchMore(self, parent: QModelIndex) -> bool:
        row = self._row(parent)
        return row.names is None or row.next < len(row.names)

    def fetchMore(self, parent: QModelIndex) -> None:
        row = self._row(parent)
        self._list(row)
        total = len(row.names or [])
        while row.next < total and row.has(row.next):
            row.next += 1
        # Rows inserted at once must lie side by side: stop at one revealed before.
        after = row.children[row.position(row.next) :][:1]
        start, end = row.next, min(row.next + BATCH, after[0].place if after else total)
        row.next = end
        if start < end:
            self._fetch(parent, row, start, end)

    def flags(self, index: QModelIndex) -> Qt.ItemFlag:
        flags = super().flags(index)
        if self._row(index).entry.may_hold_image:
            flags |= Qt.ItemFlag.ItemIsDragEnabled
        return flags

    def headerData(
        self,
        section: int,
        orientation: Qt.Orientation,
        role: int = Qt.ItemDataRole.DisplayRole,
    ) -> Any:
        if orientation == Qt.Orientation.Horizontal:
            if role == Qt.ItemDataRole.DisplayRole:
                return COLUMNS[section]
            if role == Qt.ItemDataRole.TextAlignmentRole and section in _NUMBERS:
                return _RIGHT
        return None

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        entry = self._row(index).entry
        if role == Qt.ItemDataRole.DisplayRole:
            return cells(entry)[index.column()]
        if role == Qt.ItemDataRole.ToolTipRole:
            return tooltip(*sentences(entry))
        if role == Qt.ItemDataRole.AccessibleDescriptionRole:
            return "; ".join(sentences(entry))
        if role == Qt.ItemDataRole.TextAlignmentRole and index.column() in _NUMBERS:
            return _RIGHT
        return entry if role == ENTRY else None

    def _row(self, index: QModelIndex | None) -> _Row:
        if index is None or not index.isValid():
            return self._root
        row: _Row = index.internalPointer()
        return row

    def _list(self, row: _Row) -> None:
        if row.names is not None or self.file is None:
            return
        try:
            row.names = names(self.file, row.entry.path)
        except EmdFlatfieldError as error:
            row.names = []
            self.failed.emit(str(error))
        row.places = {name: place for place, name in enumerate(row.names)}

    def _fetch(self, index: QModelIndex, row: _Row, start: int, end: int) -> None:
        if self.file is None or row.names is None:
            return
        try:
            found = entries(self.file, row.entry.path, row.names[start:end])
        except EmdFlatfieldError as error:
            self.failed.emit(str(error))
            return
        self._insert(index, row, start, found)

    def _insert(
        self, index: QModelIndex, row: _Row, start: int, found: list[Entry]
    ) -> None:
        position = row.position(start)
        self.beginInsertRows(index, position, position + len(found) - 1)
        row.children[position:position] = [
            _Row(entry, row, place) for place, entry in enumerate(found, start)
        ]
        self.endInsertRows()
