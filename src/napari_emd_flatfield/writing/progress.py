"""How far a save has come."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ..signal import Signal

    Report = Callable[["Progress"], None]


@dataclass(frozen=True)
class Progress:
    """How far a save has come.

    Parameters
    ----------
    frames
        Frames written whole. What is copied counts as those that take as many bytes.
    total
        Frames there are to write.
    nbytes
        Bytes written, as they are stored: compressed.
    seconds
        Time since the save began.

    Examples
    --------
    >>> now = Progress(frames=20, total=50, nbytes=160_000_000, seconds=0.5)
    >>> now.rate, now.byte_rate, now.seconds_left
    (40.0, 320000000.0, 0.75)
    """

    frames: int
    total: int
    nbytes: int
    seconds: float

    @property
    def rate(self) -> float:
        """Frames a second so far."""
        return self.frames / self.seconds if self.seconds else 0.0

    @property
    def byte_rate(self) -> float:
        """Bytes a second so far."""
        return self.nbytes / self.seconds if self.seconds else 0.0

    @property
    def seconds_left(self) -> float | None:
        """Time until all frames are written; None before the first is."""
        if not self.frames:
            return None
        return self.seconds / self.frames * (self.total - self.frames)


class Meter:
    """Adds up what is written, and reports it.

    Parameters
    ----------
    signals
        What is to be saved.
    report
        As ``progress`` of `write`; it may raise to stop the save.
    """

    def __init__(self, signals: Sequence[Signal], report: Report | None) -> None:
        self._report = report
        self._began: float | None = None
        frames = sum(math.prod(signal.shape[:-2]) for signal in signals)
        nbytes = sum(
            math.prod(signal.shape) * signal.dtype.itemsize for signal in signals
        )
        self._frame_bytes = max(1, nbytes // max(1, frames))
        self._copied = 0
        self._now = Progress(0, frames, 0, 0.0)

    def copied(self, done: int, nbytes: int) -> None:
        """Count a copy as the frames that would take as many bytes.

        Parameters
        ----------
        done, nbytes
            Bytes that were copied, and that are to be.
        """
        frames = math.ceil(nbytes / self._frame_bytes)
        self._say(
            frames=math.ceil(done / self._frame_bytes),
            total=self._now.total - self._copied + frames,
            nbytes=done,
        )
        self._copied = frames

    def add(self, frames: int, nbytes: int) -> None:
        """Add to what was written.

        Parameters
        ----------
        frames
            Frames that were completed.
        nbytes
            Bytes that were stored.
        """
        now = self._now
        self._say(frames=now.frames + frames, nbytes=now.nbytes + nbytes)

    def _say(self, **news: int) -> None:
        if self._report is None:
            return
        now = time.perf_counter()
        if self._began is None:
            self._began = now
        self._now = replace(self._now, seconds=now - self._began, **news)
        self._report(self._now)
