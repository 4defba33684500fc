"""How far a save has come, told to whoever wants to know."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ..signal import Signal

    Progress = Callable[[int, int], None]


class Counter:
    """Counts frames.

    Parameters
    ----------
    progress
        Called with what is done and the total; it may raise to stop the save.
    signals
        What is to be saved.
    """

    def __init__(self, progress: Progress | None, signals: Sequence[Signal]) -> None:
        self._progress = progress
        self._frames = sum(math.prod(signal.shape[:-2]) for signal in signals)
        nbytes = sum(
            math.prod(signal.shape) * signal.dtype.itemsize for signal in signals
        )
        self._frame_bytes = max(1, nbytes // max(1, self._frames))
        self._before = 0
        self._written = 0

    def copied(self, done: int, nbytes: int) -> None:
        """Count a copy as the frames that would take as many bytes.

        Parameters
        ----------
        done, nbytes
            Bytes that were copied, and that are to be.
        """
        self._before = math.ceil(nbytes / self._frame_bytes)
        self._report(math.ceil(done / self._frame_bytes))

    def written(self, frames: int = 1) -> None:
        """Count frames, one by one.

        Parameters
        ----------
        frames
            How many were completed; with 0, only say how many there are.
        """
        if not frames:
            self._report(self._before + self._written)
        for _ in range(frames):
            self._written += 1
            self._report(self._before + self._written)

    def _report(self, done: int) -> None:
        if self._progress is not None:
            self._progress(done, self._before + self._frames)
