"""The part of the tree that matches what was typed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QModelIndex, QObject, QSortFilterProxyModel

from ..formats.searching import groups_above
from .browser_model import ENTRY, TreeModel

if TYPE_CHECKING:
    from ..formats.entries import Entry


class FilterModel(QSortFilterProxyModel):
    """Shows what matches a text, all that is below, and what leads there.

    Only rows that have been fetched are looked at, and those that `admit` is
    given. Qt can filter so by itself, but then looks at all rows of a group
    again whenever one is added.

    Parameters
    ----------
    tree
        The model to filter.
    parent
        Owner of the model.
    """

    def __init__(self, tree: TreeModel, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._tree = tree
        self._text = ""
        self._leading: set[str] = set()
        self.setSourceModel(tree)

    def set_text(self, text: str) -> None:
        """Show only what matches.

        Parameters
        ----------
        text
            As `formats.searching.matches` has it; empty shows everything.
        """
        self._text = text.lower()
        self._leading.clear()
        if text:
            for path in self._tree.fetched_paths():
                if self._text in path.lower():
                    self._leading.update(groups_above(path))
        self.invalidateFilter()

    def admit(self, entry: Entry) -> QModelIndex:
        """Show an object that matches, and may not have been fetched so far.

        Parameters
        ----------
        entry
            The object.

        Returns
        -------
        QModelIndex
            Its row in this model.
        """
        for path in groups_above(entry.path):
            if path not in self._leading:
                self._leading.add(path)
                group = self._tree.reveal(path)
                self._tree.dataChanged.emit(group, group)
        return self.mapFromSource(self._tree.reveal(entry.path, entry))

    def only_leads(self, index: QModelIndex) -> bool:
        """Whether a row is shown for what is below it alone.

        Parameters
        ----------
        index
            In this model.
        """
        path = index.data(ENTRY).path
        return path in self._leading and self._text not in path.lower()

    def filterAcceptsRow(self, row: int, parent: QModelIndex) -> bool:
        if not self._text:
            return True
        path = self._tree.index(row, 0, parent).data(ENTRY).path
        # A path has in it those of all groups that it leads through.
        return path in self._leading or self._text in path.lower()

    def canFetchMore(self, parent: QModelIndex) -> bool:
        # A view that is short of rows would fetch until it has the whole file.
        fetched = self._tree.rowCount(self.mapToSource(parent))
        return not (self._text and fetched) and bool(super().canFetchMore(parent))
