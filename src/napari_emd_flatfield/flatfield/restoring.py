"""Flat-fields as plain values and files, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np

from ..errors import FlatFieldError
from ..signal import Axis, Signal
from .record import origins, to_settings, to_values
from .settings import Reduction
from .sources import REDUCED

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Mapping

    from ..signal import Role
    from .correction import Correction
    from .sources import Sources


class Storable:
    """The part of a `FlatField` that is about keeping it.

    Parameters
    ----------
    flats, dark, **settings
        As for `FlatField`.
    """

    if TYPE_CHECKING:
        _correction: Correction

        def __init__(
            self, flats: Sources | None, dark: Sources | None, **settings: Any
        ) -> None: ...

        @property
        def flat_positions(self) -> tuple[float, ...]: ...

        def _for_frames(self, positions: np.ndarray) -> Self: ...

    def to_dict(self) -> dict[str, Any]:
        """Settings and origins of the references as plain values.

        Returns
        -------
        dict
            What a corrected signal carries as ``metadata["flatfield"]``.
        """
        return to_values(self)  # type: ignore[arg-type]

    @classmethod
    def from_dict(
        cls,
        values: Mapping[str, Any],
        *,
        flats: Sources | None = None,
        dark: Sources | None = None,
    ) -> Self:
        """Make a flat-field from what `to_dict` gave.

        Parameters
        ----------
        values
            The settings, also as read back from a file.
        flats, dark
            The references; opened from where they came when left out.

        Raises
        ------
        FlatFieldError
            If these are no such values, or the references were in memory only.
        FileNotFoundError, FileOpenError, NoSignalError, ReadError
            If the references' files cannot be opened.
        """
        settings = to_settings(values)
        if flats is None:
            flats = _reopened(origins(values, "flats"), "flat", "flats")
        if dark is None:
            dark = _reopened(origins(values, "dark"), "dark", "dark")
        return cls(flats, dark, **settings)

    @classmethod
    def from_emd(cls, path: str | os.PathLike[str]) -> Self:
        """Make the flat-field that a saved signal was corrected with.

        Parameters
        ----------
        path
            A file with a corrected signal. References saved with it (`reduced`)
            are used; else they are opened from where they came.

        Raises
        ------
        FlatFieldError
            If no signal in it was corrected.
        FileNotFoundError, FileOpenError, NoSignalError, ReadError
            If a file cannot be opened.
        """
        from ..formats import read

        signals = read(path)
        records = [
            signal.metadata["flatfield"]
            for signal in signals
            if "flatfield" in signal.metadata
        ]
        if not records:
            raise FlatFieldError(
                f"{path} holds no signal corrected by this package, so nothing says "
                "how; make a FlatField(flats, dark) yourself"
            )
        saved = {s.role: s for s in signals if s.metadata.get(REDUCED)}
        if not saved:
            return cls.from_dict(records[0])
        settings = to_settings(records[0])
        for done in ("positions", "dark_positions", "orient"):
            del settings[done]
        settings["reduction"] = Reduction(series=0)
        made = cls(saved.get("flat"), saved.get("dark"), **settings)
        used = np.atleast_1d(records[0]["positions"]).tolist()
        if list(made.flat_positions) != used:
            raise FlatFieldError(
                f"{path} holds flats at {list(made.flat_positions)}, but its signal "
                f"was corrected with flats at {used}; save those beside it: "
                "corrected.data.flatfield.reduced()"
            )
        return made

    @classmethod
    def from_signals(cls, signals: Iterable[Signal], **settings: Any) -> Self:
        """Make a flat-field of the references among the signals of a file.

        Parameters
        ----------
        signals
            As `read` gives them: those of role ``"flat"`` and ``"dark"`` are used.
        **settings
            As for `FlatField`.

        Raises
        ------
        FlatFieldError
            If there are no flats among them.
        """
        found: dict[Role, list[Signal]] = {"raw": [], "flat": [], "dark": []}
        for signal in signals:
            found[signal.role].append(signal)
        flats, darks = found["flat"] or None, found["dark"] or None
        if settings.get("mode") == "background":
            flats = None
        elif flats is None:
            names = ", ".join(s.name for group in found.values() for s in group)
            raise FlatFieldError(
                f"there are no flats among {names or 'no signals'}; name them "
                "yourself: FlatField(flats, dark)"
            )
        return cls(flats, darks, **settings)

    def reduced(self) -> tuple[Signal, ...]:
        """References as they are used: reduced, scaled, turned, dark subtracted.

        Where raw frames lie among references that are numbered like them, ask the
        corrected signal's own: ``corrected.data.flatfield.reduced()``.

        Returns
        -------
        tuple of Signal
            ``reduced_flats`` and ``reduced_dark``, as far as there are any; saved
            beside a corrected signal, they are all that `from_emd` needs.
        """
        correction = self._for_frames(np.empty(0))._correction
        references, axis = correction.references, correction.plan.axis
        if references.eigen is not None:
            raise FlatFieldError(
                "the flats of a dynamic flat-field are taken apart, not reduced; a "
                "corrected signal says where they came from, and from_emd opens them"
            )
        signals = []
        if references.gains is not None:
            gains, where = references.gains, references.positions
            signals.append(_reduced("reduced_flats", gains, where, axis, "flat"))
        if references.darks is not None:
            darks, where = references.darks, references.dark_positions
            signals.append(_reduced("reduced_dark", darks, where, axis, "dark"))
        return tuple(signals)


def _reduced(
    name: str, images: np.ndarray, positions: np.ndarray, axis: Axis | None, role: Role
) -> Signal:
    height, width = images.shape[1:]
    frame = Axis.index(height, "y"), Axis.index(width, "x")
    if not len(positions):
        return Signal(name, images[0], frame, role, {REDUCED: True})
    title, units = (axis.name, axis.units) if axis else ("position", "")
    along = Axis(title or "position", units, positions)
    return Signal(name, images, (along, *frame), role, {REDUCED: True})


def _reopened(origin: list[str], role: Role, what: str) -> list[Signal] | None:
    from ..formats import read

    signals = []
    for each in origin:
        path, colon, dataset = each.rpartition(":/")
        if not colon:
            raise FlatFieldError(
                f"the {what} ({each}) were in memory only; give them: {what}=…, or "
                "save them with the corrected signal next time (FlatField.reduced)"
            )
        found = read(path, dataset)
        fitting = [signal for signal in found if signal.role == role]
        signals += fitting or found
    return signals or None
