"""Work in the background of which only the latest result counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject, QTimer
from qtpy.QtCore import Signal as QtSignal
from superqt.utils import create_worker

from ..errors import EmdFlatfieldError

if TYPE_CHECKING:
    from collections.abc import Callable


class Latest(QObject):
    """Runs one function at a time in a thread, and drops what is outdated.

    Parameters
    ----------
    parent
        Qt object it lives and dies with.
    """

    done = QtSignal(object)
    failed = QtSignal(str)

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._worker: Any = None
        self._waiting: Callable[[], Any] | None = None

    @property
    def is_busy(self) -> bool:
        """Whether a result is still to come."""
        return self._worker is not None

    def run(self, function: Callable[[], Any]) -> None:
        """Have a function run; `done` brings what it returns.

        Parameters
        ----------
        function
            Takes no argument. While another one runs it waits, and is dropped if
            a newer one comes meanwhile.
        """
        if self._worker is not None:
            self._waiting = function
            return
        # A RuntimeError in a worker is lost, so nothing may escape from it.
        self._worker = create_worker(_outcome, function, _ignore_errors=True)
        self._worker.returned.connect(self._on_returned)
        self._worker.start()

    def stop(self) -> None:
        """Drop all work; a function that is running has its result ignored."""
        self._waiting = None
        if self._worker is not None:
            self._worker.returned.disconnect(self._on_returned)
            self._worker = None

    def _on_returned(self, outcome: tuple[Any, str | None]) -> None:
        self._worker = None
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            self.run(waiting)
            return
        result, reason = outcome
        if reason is None:
            self.done.emit(result)
        else:
            self.failed.emit(reason)


def _outcome(function: Callable[[], Any]) -> tuple[Any, str | None]:
    try:
        return function(), None
    except EmdFlatfieldError as error:
        return None, str(error)
    except Exception as error:  # noqa: BLE001 - shown to the user, all of it
        return None, f"{type(error).__name__}: {error}"


def single_shot(parent: QObject, milliseconds: int) -> QTimer:
    """Make a timer that fires once, that long after it was last started.

    Parameters
    ----------
    parent
        Qt object it lives and dies with.
    milliseconds
        How long it waits.
    """
    timer = QTimer(parent)
    timer.setSingleShot(True)
    timer.setInterval(milliseconds)
    return timer
