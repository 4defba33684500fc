"""Saving in the background, with progress, without blocking napari."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari.qt.threading import create_worker
from napari.utils import progress
from qtpy.QtCore import QObject
from qtpy.QtCore import Signal as QtSignal
from qtpy.QtWidgets import QFileDialog

from ..errors import EmdFlatfieldError
from ..writing import write

if TYPE_CHECKING:
    from ..signal import Signal


class _StopError(Exception):
    """Raised inside `write` to make it stop and clean up."""


class SaveJob(QObject):
    """One save, running in a thread of its own.

    Parameters
    ----------
    path
        The EMD file to write.
    signal
        What to save.
    """

    advanced = QtSignal(int, int)
    succeeded = QtSignal(str)
    failed = QtSignal(str)

    def __init__(self, path: Path, signal: Signal) -> None:
        super().__init__()
        self._path = path
        self._signal = signal
        self._bar: Any = None
        # A RuntimeError in a worker is lost, and one that escapes ends the
        # process: `write` raises neither, and what it raises is handled here.
        self._worker = create_worker(self._write, _ignore_errors=True)
        self._worker.returned.connect(self._on_returned)
        self._worker.errored.connect(self._on_errored)
        self.advanced.connect(self._on_advanced)

    def start(self) -> None:
        """Start saving."""
        self._worker.start()

    def _write(self) -> str:
        return str(write(self._path, [self._signal], progress=self._report))

    def _report(self, done: int, total: int) -> None:
        # napari asks workers to quit when its window closes.
        if self._worker.abort_requested:
            raise _StopError
        self.advanced.emit(done, total)

    def _on_advanced(self, done: int, total: int) -> None:
        if self._bar is None:
            self._bar = progress(total=total, desc=f"Saving {self._path.name}")
        self._bar.update(done - self._bar.n)

    def _on_returned(self, path: str) -> None:
        self._finish()
        self.succeeded.emit(path)

    def _on_errored(self, error: Exception) -> None:
        self._finish()
        if isinstance(error, _StopError):
            self.failed.emit(
                f"saving {self._path.name} was stopped; nothing was written"
            )
        elif isinstance(error, EmdFlatfieldError):
            self.failed.emit(str(error))
        else:
            self.failed.emit(f"{self._path} was not written: {error!r}")

    def _finish(self) -> None:
        # A finished worker stays in memory, and with it this job: the signal, and
        # so the files behind it, must not.
        del self._signal
        if self._bar is not None:
            self._bar.close()


def ask_where(suggested: str) -> Path | None:
    """Ask for the name of an EMD file to write.

    Parameters
    ----------
    suggested
        Name to start with.

    Returns
    -------
    Path or None
        With an extension; None when the user cancels.
    """
    chosen, _ = QFileDialog.getSaveFileName(
        None, "Save corrected layer", suggested, "EMD (*.emd)"
    )
    if not chosen:
        return None
    path = Path(chosen)
    return path if path.suffix else path.with_suffix(".emd")
