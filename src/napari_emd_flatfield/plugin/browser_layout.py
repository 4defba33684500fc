"""The parts of the HDF5 browser and where they lie; what they do is elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtCore import Qt
from qtpy.QtGui import QKeySequence, QShortcut
from qtpy.QtWidgets import (
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QSplitter,
    QVBoxLayout,
    QWidget,
)
from superqt import QElidingLabel

from .browser_filter import FilterModel
from .browser_menu import ObjectMenu
from .browser_model import TreeModel
from .browser_object import ObjectPane
from .browser_tree import TreeView
from .buttons import button

if TYPE_CHECKING:
    from qtpy.QtGui import QResizeEvent

_PATTERNS = "EMD, NeXus, HDF5 (*.emd *.h5 *.hdf5 *.hdf *.nxs *.nx *.tvh5 *.hspy)"


class BrowserLayout(QWidget):
    """Buttons, filter, tree, and what is known of the object selected."""

    def __init__(self) -> None:
        super().__init__()
        self.open_button = button("Open…", "Choose an EMD, NeXus or other HDF5 file.")
        self.layer_button = button(
            "Layer's file", "Look into the file that the selected layer comes from."
        )
        self.reload_button = button(
            "Reload", "Look again, at what has been written since (F5)."
        )
        self.title = QElidingLabel()
        self.title.setTextFormat(Qt.TextFormat.PlainText)
        self.title.setElideMode(Qt.TextElideMode.ElideMiddle)
        self.filter = QLineEdit()
        self.filter.setPlaceholderText("Filter by name, or by path with a /")
        self.filter.setClearButtonEnabled(True)
        self.filter.setToolTip(
            "Shows what matches, of all that was opened so far (Ctrl+F). "
            "Enter searches the whole file."
        )
        self.search_button = button("Search file", "Search the whole file (Enter).")
        self.model = TreeModel(self)
        self.filtered = FilterModel(self.model, self)
        self.tree = TreeView(self)
        self.tree.setModel(self.filtered)
        self.menu = ObjectMenu(self.tree)
        self.object = ObjectPane(self)
        self.add_button = button(
            "Open as layer", "Open what is selected (double click, Enter or drag it)."
        )
        self.more_button = button(
            "More", "Open it as flats or dark, or in parts; copy its path."
        )
        self.more_button.setMenu(self.menu)
        self.status = QLabel()
        self.status.setTextFormat(Qt.TextFormat.PlainText)
        self.status.setWordWrap(True)
        self._lay_out()

    def show_parts(self, are_of_use: bool) -> None:
        """Show what is of use with a file open, or leave only ways to open one.

        Parameters
        ----------
        are_of_use
            Whether a file is open.
        """
        for part in (
            self.title,
            self.filter,
            self.search_button,
            self.tree.header(),
            self.object,
            self.add_button,
            self.more_button,
        ):
            part.setVisible(are_of_use)
        self.reload_button.setEnabled(are_of_use)

    def resizeEvent(self, event: QResizeEvent) -> None:
        # A dock may be at the side of the window or below it.
        wide = self.width() > 2 * self.height()
        self.split.setOrientation(
            Qt.Orientation.Horizontal if wide else Qt.Orientation.Vertical
        )
        super().resizeEvent(event)

    def _lay_out(self) -> None:
        self.split = QSplitter(Qt.Orientation.Vertical)
        self.split.setChildrenCollapsible(False)
        self.split.addWidget(self.tree)
        self.split.addWidget(self.object)
        self.split.setStretchFactor(0, 3)
        self.split.setStretchFactor(1, 2)
        layout = QVBoxLayout(self)
        layout.addLayout(_row(self.open_button, self.layer_button, self.reload_button))
        layout.addWidget(self.title)
        layout.addLayout(_row(self.filter, self.search_button))
        layout.addWidget(self.split, 1)
        adding = _row(self.add_button, self.more_button)
        adding.setStretch(0, 1)
        layout.addLayout(adding)
        layout.addWidget(self.status)
        for key, act in (
            ("F5", self.reload_button.click),
            ("Ctrl+F", self.filter.setFocus),
            ("Escape", self.filter.clear),
        ):
            shortcut = QShortcut(QKeySequence(key), self)
            shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            shortcut.activated.connect(act)


def _row(*widgets: QWidget) -> QHBoxLayout:
    row = QHBoxLayout()
    for widget in widgets:
        row.addWidget(widget)
    return row


def ask_which(shown: Path | None) -> Path | None:
    """Ask for a file to look into.

    Parameters
    ----------
    shown
        The file looked into so far.

    Returns
    -------
    Path or None
        None when the user cancels.
    """
    folder = "" if shown is None else str(shown.parent)
    chosen, _ = QFileDialog.getOpenFileName(
        None, "Look into a file", folder, f"{_PATTERNS};;All files (*)"
    )
    return Path(chosen) if chosen else None
