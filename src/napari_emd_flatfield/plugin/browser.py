"""The "HDF5 browser" dock.

Run ``python -m napari_emd_flatfield.plugin.browser FILE`` to try it.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from napari.utils.notifications import show_error, show_warning
from qtpy.QtCore import QEvent, QModelIndex, QPoint, QTimer
from qtpy.QtWidgets import QApplication

from ..errors import EmdFlatfieldError
from ..formats.skipping import listed
from ..formats.wording import size_text
from ..lazy.files import SharedFile
from .browser_jobs import Job
from .browser_layout import BrowserLayout, ask_which
from .browser_model import ENTRY
from .browser_opening import Opened, open_layers, path_of_layer, python_line
from .browser_search import Search
from .markup import tooltip
from .settings import follows_external

if TYPE_CHECKING:
    import napari.viewer
    from qtpy.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent

    from ..formats.entries import Entry
    from ..lazy import Part
    from ..signal import Role

_HINT = "Open an EMD, NeXus or other HDF5 file, or drop one here."
# Milliseconds without a key stroke before the tree follows.
_PAUSE = 150
# Rows of small groups that are open from the beginning.
_SMALL = 30


class BrowserWidget(BrowserLayout):
    """Look into a file, and open what is wanted of it.

    Parameters
    ----------
    napari_viewer
        The viewer that gets the layers.
    """

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        self._viewer = napari_viewer
        self._path: Path | None = None
        self._search = Search(self)
        self._typing = QTimer(self, interval=_PAUSE, singleShot=True)
        self.setAcceptDrops(True)
        self._connect()
        self.close_file()
        path = path_of_layer(self._viewer)
        if path is not None:
            self.open(path)

    def open(self, path: Path) -> None:
        """Look into a file.

        Parameters
        ----------
        path
            An HDF5 file.
        """
        if self._show(path):
            self.filter.clear()
            self.tree.expand_small(_SMALL)
            self.tree.fit_columns()

    def reload(self) -> None:
        """Look again at the same file, and show it as before."""
        if self._path is None:
            return
        expanded = self.tree.expanded_paths()
        selected = [entry.path for entry in self.tree.entries()]
        place = self.tree.verticalScrollBar().value()
        if not self._show(self._path):
            return
        for path in expanded:
            self.tree.expand(self._row(path))
        self.tree.select([self._row(path) for path in selected])
        self.tree.verticalScrollBar().setValue(place)
        if self.filter.text():
            self.search()

    def close_file(self) -> None:
        """Let go of the file."""
        self._search.stop()
        self.object.clear()
        self.model.show(None)
        self._path = None
        self.show_parts(False)
        self.tree.fit_columns()
        self._say("")
        self.tree.hint = _HINT

    def search(self) -> None:
        """Search the whole file for what was typed; again, to stop."""
        file, text = self.model.file, self.filter.text()
        if self._search.is_running:
            self._search.stop()
        elif file is not None and text:
            self._on_typed()
            self.search_button.setText("Stop")
            self._search.start(file, text)

    def open_selected(
        self, role: Role | None = None, component: Part | None = None
    ) -> None:
        """Open what is selected as layers.

        Parameters
        ----------
        role
            What it is in a correction; as its name says when left out.
        component
            Part of complex numbers to show.
        """
        chosen = [
            entry.path
            for entry in self.tree.entries()
            if entry.may_hold_image and (component is None or entry.is_complex)
        ]
        if self._path is None or not chosen:
            return
        path = self._path
        job = Job(lambda _: open_layers(path, chosen, role, component))
        job.finished.connect(self._on_opened)
        job.failed.connect(self._fail)
        job.warned.connect(show_warning)
        job.start()
        self._say(f"Opening {listed(chosen)}…")

    def event(self, event: QEvent) -> bool:
        # napari takes a widget out of its dock when that is closed, and forgets it.
        if event.type() == QEvent.Type.ParentChange and self.parent() is None:
            self.close_file()
        return bool(super().event(event))

    def closeEvent(self, event: QCloseEvent) -> None:
        self.close_file()
        super().closeEvent(event)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if event.mimeData().hasUrls():
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        event.acceptProposedAction()
        for url in event.mimeData().urls()[:1]:
            self.open(Path(url.toLocalFile()))

    def _connect(self) -> None:
        self.open_button.clicked.connect(self._on_choose)
        self.layer_button.clicked.connect(self._on_layers_file)
        self.reload_button.clicked.connect(self.reload)
        self.search_button.clicked.connect(self.search)
        self.filter.textChanged.connect(self._typing.start)
        self.filter.returnPressed.connect(self.search)
        self._typing.timeout.connect(self._on_typed)
        self._search.found.connect(self._on_found)
        self._search.said.connect(self._say)
        self._search.ended.connect(self._on_search_ended)
        self._search.failed.connect(self._fail)
        self.model.failed.connect(self._fail)
        self.add_button.clicked.connect(self.menu.open_action.trigger)
        self.tree.dropped.connect(self.open_selected)
        self.tree.doubleClicked.connect(self._on_double_click)
        self.tree.customContextMenuRequested.connect(self._on_context_menu)
        self.tree.selectionModel().currentRowChanged.connect(self._on_current)
        self.tree.selectionModel().selectionChanged.connect(self._on_selection)
        self.menu.opening.connect(self.open_selected)
        self.menu.copying_paths.connect(self._on_copy_paths)
        self.menu.copying_lines.connect(self._on_copy_lines)

    def _show(self, path: Path) -> bool:
        self._search.stop()
        self.object.forget()
        try:
            file = SharedFile.of(path, follows_external())
            size = path.stat().st_size
            # Whoever has it open may have seen less of it than there is now.
            file.close()
            self.model.show(file)
        except (EmdFlatfieldError, OSError) as error:
            self._fail(str(error))
            return False
        self.model.fetchMore(QModelIndex())
        self._path = path
        self.show_parts(True)
        self.title.setText(f"{path.name}, {size_text(size)}")
        self.title.setToolTip(tooltip(str(path)))
        self.object.show_object(file, self.model.top)
        self._on_selection()
        self.tree.hint = "The file is empty."
        self._say("")
        return True

    def _row(self, path: str) -> QModelIndex:
        return self.filtered.mapFromSource(self.model.reveal(path))

    def _on_choose(self) -> None:
        path = ask_which(self._path)
        if path is not None:
            self.open(path)

    def _on_layers_file(self) -> None:
        path = path_of_layer(self._viewer)
        if path is None:
            self._fail("select a layer that was opened from an HDF5 file")
        else:
            self.open(path)

    def _on_typed(self) -> None:
        self._typing.stop()
        text = self.filter.text()
        self.filtered.set_text(text)
        self._say("")
        if text:
            self.tree.hint = "Nothing opened so far matches. Enter searches the file."
            self.tree.expand_above_matches()

    def _on_found(self, found: list[Entry]) -> None:
        for entry in found:
            self.tree.expand_above(self.filtered.admit(entry))

    def _on_search_ended(self) -> None:
        self.search_button.setText("Search file")

    def _on_current(self, current: QModelIndex) -> None:
        if self.model.file is not None:
            entry = current.data(ENTRY) if current.isValid() else self.model.top
            self.object.show_object(self.model.file, entry)

    def _on_selection(self) -> None:
        self.menu.offer(self.tree.entries())
        self.add_button.setEnabled(self.menu.open_action.isEnabled())

    def _on_double_click(self, index: QModelIndex) -> None:
        if index.data(ENTRY).kind == "image":
            self.open_selected()

    def _on_context_menu(self, place: QPoint) -> None:
        self.menu.popup(self.tree.viewport().mapToGlobal(place))

    def _on_opened(self, opened: Opened) -> None:
        added = []
        for data, options, _ in opened.layers:
            try:
                added.append(self._viewer.add_image(data, **options).name)
            except EmdFlatfieldError as error:
                self._fail(str(error))
        if added:
            self._say(f"Opened {listed(added)}.")
        for reason in opened.errors:
            self._fail(reason)

    def _on_copy_paths(self) -> None:
        self._copy([entry.path for entry in self.tree.entries()])

    def _on_copy_lines(self) -> None:
        if self._path is not None:
            path = self._path.resolve()
            images = [e.path for e in self.tree.entries() if e.may_hold_image]
            self._copy([python_line(path, image) for image in images])

    def _copy(self, lines: list[str]) -> None:
        QApplication.clipboard().setText("\n".join(lines))
        self._say(f"Copied {listed(lines)}.")

    def _say(self, text: str) -> None:
        self.status.setText(text)
        self.status.setVisible(bool(text))

    def _fail(self, reason: str) -> None:
        self._say(reason)
        show_error(reason)


if __name__ == "__main__":
    from .trying import try_out

    def _make(viewer: napari.viewer.Viewer) -> BrowserWidget:
        browser = BrowserWidget(viewer)
        for argument in sys.argv[1:2]:
            browser.open(Path(argument))
        return browser

    try_out(_make, "HDF5 browser", sample=False)
