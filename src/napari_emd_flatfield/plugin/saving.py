"""Saving in the background: progress, time left, and a Cancel that does."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari.qt.threading import create_worker
from napari.utils import progress
from qtpy.QtCore import QObject
from qtpy.QtCore import Signal as QtSignal
from qtpy.QtWidgets import (
    QFileDialog,
    QHBoxLayout,
    QMessageBox,
    QProgressBar,
    QWidget,
)

from ..errors import EmdFlatfieldError
from ..formats.wording import size_text
from ..plaintext import message
from ..writing import write
from .buttons import button
from .latest import single_shot

if TYPE_CHECKING:
    from ..signal import Signal
    from ..writing import Progress
    from ..writing.emd import Mode

_GLANCE_MS = 100

# Of HDF5 files, which EMD files are, as the reader has them.
_EXTENSIONS = (".emd", ".h5", ".hdf5", ".hdf")


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
    mode
        As for `write`.
    """

    advanced = QtSignal(object)  # Progress
    succeeded = QtSignal(str)
    failed = QtSignal(str)

    def __init__(self, path: Path, signal: Signal, mode: Mode) -> None:
        super().__init__()
        self.path = path
        self._mode: Mode = mode
        self._signal = signal
        self._bar: Any = None
        self._progress: Progress | None = None
        # Frames may come by the thousand a second: look when there is time to.
        self._glance = single_shot(self, _GLANCE_MS)
        self._glance.timeout.connect(self._on_glance)
        # A RuntimeError in a worker is lost, and one that escapes ends the
        # process: `write` raises neither, and what it raises is handled here.
        self._worker = create_worker(self, _ignore_errors=True)
        self._worker.returned.connect(self._on_returned)
        self._worker.errored.connect(self._on_errored)

    def start(self) -> None:
        """Start saving."""
        self._glance.start()
        self._worker.start()

    def stop(self) -> None:
        """Stop after the frame being written, and leave nothing behind."""
        self._worker.quit()

    def __str__(self) -> str:
        # napari asks whether to close its window while it is "Executing" this.
        return f"the saving of {self.path}"

    def __call__(self) -> str:
        """Save, in the thread of the worker."""
        saved = write(self.path, [self._signal], mode=self._mode, progress=self._report)
        return str(saved)

    def _report(self, now: Progress) -> None:
        # napari asks workers to quit when its window closes.
        if self._worker.abort_requested:
            raise _StopError
        self._progress = now

    def _on_glance(self) -> None:
        now = self._progress
        if now is not None:
            if self._bar is None:
                self._bar = progress(total=now.total, desc=f"Saving {self.path.name}")
            self._bar.update(now.frames - self._bar.n)
            self.advanced.emit(now)
        self._glance.start()

    def _on_returned(self, path: str) -> None:
        self._finish()
        self.succeeded.emit(path)

    def _on_errored(self, error: Exception) -> None:
        self._finish()
        if isinstance(error, _StopError):
            self.failed.emit("")
        elif isinstance(error, EmdFlatfieldError):
            self.failed.emit(str(error))
        else:
            self.failed.emit(f"{self.path} was not written: {error!r}")

    def _finish(self) -> None:
        self._glance.stop()
        # A finished worker stays in memory, and with it this job: the signal, and
        # so the files behind it, must not.
        del self._signal
        if self._bar is not None:
            self._bar.close()


class SaveBar(QWidget):
    """Progress of a save, with rate and time left, and Cancel."""

    succeeded = QtSignal(str)
    failed = QtSignal(str)

    def __init__(self) -> None:
        super().__init__()
        self.job: SaveJob | None = None
        self.bar = QProgressBar()
        self.cancel_button = button("Ca&ncel", "Stop saving; no file is left behind.")
        self.cancel_button.clicked.connect(self._on_cancel)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.bar, 1)
        layout.addWidget(self.cancel_button)
        self.hide()

    def save(self, path: Path, signal: Signal, mode: Mode) -> None:
        """Start to save; `succeeded` or `failed` tells the end.

        Parameters
        ----------
        path
            The EMD file to write, or to add to.
        signal
            What to save.
        mode
            As for `write`.
        """
        self.job = SaveJob(path, signal, mode)
        self.job.advanced.connect(self._on_advanced)
        self.job.succeeded.connect(self._on_succeeded)
        self.job.failed.connect(self._on_failed)
        self.bar.setRange(0, 0)
        self.cancel_button.setEnabled(True)
        self.show()
        self.job.start()

    def _on_cancel(self) -> None:
        self.cancel_button.setEnabled(False)
        if self.job is not None:
            self.job.stop()

    def _on_advanced(self, now: Progress) -> None:
        self.bar.setRange(0, 100 * now.total)
        self.bar.setValue(int(100 * now.done))
        said = f"{now.frames}/{now.total}, {size_text(now.byte_rate)}/s"
        if now.seconds_left is not None:
            said += f", {_duration(now.seconds_left)} left"
        self.bar.setFormat(said)

    def _on_succeeded(self, path: str) -> None:
        self._end()
        self.succeeded.emit(path)

    def _on_failed(self, reason: str) -> None:
        self._end()
        self.failed.emit(reason)

    def _end(self) -> None:
        self.job = None
        self.hide()


class SaveButtons(QWidget):
    """To a file of its own, or into the one the raw layer was read from."""

    def __init__(self) -> None:
        super().__init__()
        self.as_emd = button(
            "Save as E&MD…", "Save the corrected layer, frame by frame."
        )
        self.into_source = button(
            "Save into source",
            "Add the corrected layer to the file the raw layer was read from. A "
            "copy of it takes its place when complete; nothing in it is changed.",
        )
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.as_emd, 1)
        layout.addWidget(self.into_source, 1)


def ask_where(suggested: str) -> Path | None:
    """Ask for the name of an EMD file to write.

    Parameters
    ----------
    suggested
        Name to start with.

    Returns
    -------
    Path or None
        With an extension by which it is opened again; None when the user cancels.
    """
    while True:
        chosen, _ = QFileDialog.getSaveFileName(
            None,
            "Save corrected layer",
            suggested,
            "EMD (*.emd)",
            # It would look for the name as typed, not for the one that is written.
            options=QFileDialog.Option.DontConfirmOverwrite,
        )
        if not chosen:
            return None
        path = Path(chosen)
        if path.suffix.lower() not in _EXTENSIONS:
            path = path.with_name(f"{path.name}.emd")
        if not path.exists() or _may_replace(path):
            return path
        suggested = str(path)


def _may_replace(path: Path) -> bool:
    answer = QMessageBox.question(
        None,
        "Save corrected layer",
        message(f"{path.name} exists in {path.parent}. Replace it?"),
        defaultButton=QMessageBox.StandardButton.No,
    )
    return bool(answer == QMessageBox.StandardButton.Yes)


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"


if __name__ == "__main__":
    import tempfile

    from ..synthetic import make_scan
    from .trying import try_out

    def _make(_: Any) -> SaveBar:
        bar = SaveBar()
        bar.save(Path(tempfile.mkdtemp()) / "scan.emd", make_scan(400).raw, "w")
        return bar

    try_out(_make, "Saving")
