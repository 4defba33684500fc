"""Everything about the object selected: its middle frame, what is said of it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Qt, QTimer
from qtpy.QtWidgets import QSplitter, QWidget

from ..formats.describing import comments, described
from ..formats.wording import sentences
from .browser_details import DetailsPane
from .browser_frames import preview
from .browser_jobs import Job
from .browser_preview import PreviewPane

if TYPE_CHECKING:
    from ..formats.entries import Entry
    from ..lazy.files import SharedFile
    from .browser_frames import Preview

# Milliseconds that a selection must last: who runs through a list reads nothing.
_PAUSE = 80


class ObjectPane(QSplitter):
    """A preview and a table of attributes, read in the background.

    Parameters
    ----------
    parent
        Widget it lies in.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self.preview = PreviewPane(self)
        self.details = DetailsPane(self)
        self.setChildrenCollapsible(False)
        self._job: Job | None = None
        self._pause = QTimer(self, interval=_PAUSE, singleShot=True)
        self._pause.timeout.connect(self._on_pause)

    def show_object(self, file: SharedFile, entry: Entry) -> None:
        """Show an object of a file, in a moment.

        Parameters
        ----------
        file
            The file.
        entry
            The object.
        """
        self.forget()
        if entry.kind == "missing":
            self.clear("\n".join(sentences(entry)))
            return
        self._job = Job(partial(_look, file=file, entry=entry))
        self._job.reported.connect(self._on_described)
        self._job.finished.connect(self._on_read)
        self._job.failed.connect(self.clear)
        self._pause.start()

    def clear(self, reason: str = "") -> None:
        """Show nothing.

        Parameters
        ----------
        reason
            Why there is nothing to show.
        """
        self.forget()
        self.preview.show_text(reason)
        self.details.show_sections({})

    def forget(self) -> None:
        """Read no further, and let go of the file."""
        self._pause.stop()
        if self._job is not None:
            self._job.stop()
            self._job = None

    def _on_pause(self) -> None:
        if self._job is not None:
            self._job.start()

    def _on_described(self, sections: dict[str, dict[str, Any]]) -> None:
        self.details.show_sections(sections)

    def _on_read(self, frame: Preview | None) -> None:
        self._job = None
        if frame is None:
            self.preview.show_text("")
        else:
            self.preview.show_frame(frame)


def _look(job: Job, file: SharedFile, entry: Entry) -> Preview | None:
    said = {entry.path: described(file, entry.path)}
    if made := comments(file):
        said["EMD comments"] = made
    if not job.report(said) or not entry.may_hold_image:
        return None
    return preview(file, entry.path)
