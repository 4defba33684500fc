"""Reading in the background, so that the browser never waits for a disk."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari.qt.threading import create_worker
from qtpy.QtCore import QObject
from qtpy.QtCore import Signal as QtSignal

from ..errors import EmdFlatfieldError

if TYPE_CHECKING:
    from collections.abc import Callable


class Job(QObject):
    """A function that runs in a thread of its own until it ends or is stopped.

    Parameters
    ----------
    work
        The function. It is given the job, so that it can `report` on the way.
    """

    reported = QtSignal(object)
    finished = QtSignal(object)
    failed = QtSignal(str)
    warned = QtSignal(str)

    def __init__(self, work: Callable[[Job], Any]) -> None:
        super().__init__()
        self._work: Callable[[Job], Any] | None = work
        self._worker: Any = None

    def start(self) -> None:
        """Start working."""
        # napari keeps a worker from when it is made until it has run, and all it
        # holds; an error that leaves one by any other way ends the process.
        self._worker = create_worker(self._run, _ignore_errors=True)
        self._worker.returned.connect(self._on_returned)
        self._worker.errored.connect(self._on_errored)
        self._worker.warned.connect(self._on_warned)
        self._worker.start()

    def stop(self) -> None:
        """Ask the function to stop; nothing is heard of it any more."""
        self.blockSignals(True)
        self._work = None
        if self._worker is not None:
            self._worker.quit()

    def report(self, value: object) -> bool:
        """Emit `reported`; called by the function.

        Parameters
        ----------
        value
            What was found so far.

        Returns
        -------
        bool
            Whether to go on. napari, too, asks workers to stop: when it quits.
        """
        self.reported.emit(value)
        return not self._worker.abort_requested

    def _run(self) -> Any:
        # What the function holds, like an open file, is let go of with it.
        work, self._work = self._work, None
        return None if work is None else work(self)

    def _on_returned(self, result: object) -> None:
        self.finished.emit(result)

    def _on_errored(self, error: Exception) -> None:
        known = isinstance(error, EmdFlatfieldError | OSError)
        self.failed.emit(str(error) if known else repr(error))

    def _on_warned(self, warning: tuple[Any, ...]) -> None:
        self.warned.emit(str(warning[0]))
