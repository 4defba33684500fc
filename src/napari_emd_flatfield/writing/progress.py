"""How far a save has come."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    Report = Callable[["Progress"], None]


@dataclass(frozen=True)
class Progress:
    """How far a save has come.

    Parameters
    ----------
    frames
        Frames written whole.
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
    total
        Frames there are to write.
    report
        As ``progress`` of `write`; called at once, and whenever something is added.
    """

    def __init__(self, total: int, report: Report | None) -> None:
        self._report = report
        self._began = time.perf_counter()
        self._now = Progress(0, total, 0, 0.0)
        if report is not None:
            report(self._now)

    def add(self, frames: int, nbytes: int) -> None:
        """Add to what was written.

        Parameters
        ----------
        frames
            Frames that were completed.
        nbytes
            Bytes that were stored.
        """
        if self._report is None:
            return
        seconds = time.perf_counter() - self._began
        before = self._now
        self._now = Progress(
            before.frames + frames, before.total, before.nbytes + nbytes, seconds
        )
        self._report(self._now)
