"""The search of a whole file, in the background."""

from __future__ import annotations

from functools import partial
from time import monotonic, sleep
from typing import TYPE_CHECKING

from qtpy.QtCore import QObject
from qtpy.QtCore import Signal as QtSignal

from ..formats.entries import Entry, entries
from ..formats.searching import every_path, matches
from .browser_jobs import Job

if TYPE_CHECKING:
    from ..lazy.files import SharedFile

# More rows than these nobody reads; a longer text finds less.
MOST_FOUND = 500

_REPORT = 0.25  # seconds between reports

# Python runs one thread at a time, and a busy one keeps a window waiting for
# milliseconds at each of its many turns: so half of the time nothing is done.
_TURN = 0.005  # seconds


class Search(QObject):
    """Finds names in a file; emits what it `found`, and what there is to say.

    Parameters
    ----------
    parent
        Owner of the search.
    """

    found = QtSignal(object)
    said = QtSignal(str)
    ended = QtSignal()
    failed = QtSignal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._job: Job | None = None
        self._count = 0

    @property
    def is_running(self) -> bool:
        """Whether a search is under way."""
        return self._job is not None

    def start(self, file: SharedFile, text: str) -> None:
        """Start searching a file from its beginning.

        Parameters
        ----------
        file
            The file.
        text
            As `formats.searching.matches` has it.
        """
        self.stop()
        self._count = 0
        self._job = Job(partial(_find, file=file, text=text))
        self._job.reported.connect(self._on_reported)
        self._job.finished.connect(self._on_finished)
        self._job.failed.connect(self._on_failed)
        self._job.start()
        self.said.emit("Searching…")

    def stop(self) -> None:
        """Search no further."""
        if self._job is not None:
            self._job.stop()
            self._job = None
            self.said.emit(f"Stopped. {self._count} found so far.")
            self.ended.emit()

    def _on_reported(self, report: tuple[list[Entry], int]) -> None:
        found, looked_at = report
        self._count += len(found)
        self.found.emit(found)
        self.said.emit(f"Searching… {self._count} found in {looked_at} names.")

    def _on_finished(self, report: tuple[list[Entry], int]) -> None:
        self._on_reported(report)
        if self._count == MOST_FOUND:
            result = f"The first {MOST_FOUND} are shown; a longer text finds less."
        else:
            result = f"{self._count} found in {report[1]} names."
        self.said.emit(result)
        self._job = None
        self.ended.emit()

    def _on_failed(self, reason: str) -> None:
        self._job = None
        self.ended.emit()
        self.failed.emit(reason)


def _find(job: Job, file: SharedFile, text: str) -> tuple[list[Entry], int]:
    """Return what was found since the last report, and the names looked at so far."""
    found: list[Entry] = []
    total = looked_at = 0
    reported = turned = monotonic()
    for looked_at, path in enumerate(every_path(file), 1):
        if matches(path, text):
            group, _, name = path.rpartition("/")
            found += entries(file, group or "/", [name])
            total += 1
        if total == MOST_FOUND:
            break
        if (now := monotonic()) > turned + _TURN:
            sleep(_TURN)
            turned = monotonic()
        if now > reported + _REPORT:
            if not job.report((found, looked_at)):
                break
            found, reported = [], now
    return found, looked_at
