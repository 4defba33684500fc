"""How far a save has come."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

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
    begun
        How much of the next frame is written, 0 to 1: very large ones are written in
        bands of rows.

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
    begun: float = 0.0

    @property
    def done(self) -> float:
        """How many frames are written, those included that are not yet whole."""
        return self.frames + self.begun

    @property
    def rate(self) -> float:
        """Frames a second so far."""
        return self.done / self.seconds if self.seconds else 0.0

    @property
    def byte_rate(self) -> float:
        """Bytes a second so far."""
        return self.nbytes / self.seconds if self.seconds else 0.0

    @property
    def seconds_left(self) -> float | None:
        """Time until all frames are written; None before any is begun."""
        if not self.done:
            return None
        return self.seconds / self.done * (self.total - self.done)


class Meter:
    """Adds up what is written, and reports it.

    Parameters
    ----------
    signals
        What is to be saved.
    report
        As ``progress`` of `write`; it may raise to stop the save.

    Attributes
    ----------
    raised
        What it has raised, if anything.
    """

    raised: BaseException | None = None

    def __init__(self, signals: Sequence[Signal], report: Report | None) -> None:
        self._report = report
        self._began: float | None = None
        frames = sum(math.prod(signal.shape[:-2]) for signal in signals)
        nbytes = sum(
            math.prod(signal.shape) * signal.dtype.itemsize for signal in signals
        )
        self._frame_bytes = max(1, nbytes // max(1, frames))
        self._copied = 0
        self._written = Fraction(0)  # bands of rows add up to a frame
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

    def add(self, frames: Fraction | int, nbytes: int) -> None:
        """Add to what was written.

        Parameters
        ----------
        frames
            Frames that were written, or what part of one.
        nbytes
            Bytes that were stored.
        """
        self._written += frames
        whole, begun = divmod(self._written, 1)
        self._say(
            frames=self._copied + whole,
            begun=float(begun),
            nbytes=self._now.nbytes + nbytes,
        )

    def _say(self, **news: Any) -> None:
        if self._report is None:
            return
        now = time.perf_counter()
        if self._began is None:
            self._began = now
        self._now = replace(self._now, seconds=now - self._began, **news)
        try:
            self._report(self._now)
        except BaseException as error:
            self.raised = error
            raise
