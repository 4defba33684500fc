"""Which layers are raw, flats and dark."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING

import numpy as np
from magicgui.widgets import ComboBox, LineEdit
from napari.layers import Image
from qtpy.QtCore import Signal as QtSignal
from qtpy.QtWidgets import (
    QFormLayout,
    QLabel,
    QWidget,
)

from ..errors import FlatFieldError
from ..formats.roles import role_of
from .checklist import LayerChecklist
from .layers import SIGNAL, signal_of_layer
from .options import add_row, fit_narrow
from .resolutions import full_resolution

if TYPE_CHECKING:
    import napari.viewer

    from ..signal import Role, Signal

PREFIX = "corrected_"
_SHOWN = 8


class Inputs(QWidget):
    """Choice of the raw, flats and dark layers, and where the flats lie.

    Parameters
    ----------
    viewer
        Its layers are offered.
    """

    changed = QtSignal()

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        self._viewer = viewer
        self._seen: weakref.WeakSet[Image] = weakref.WeakSet()
        self.raw = ComboBox(
            label="Raw",
            nullable=True,
            choices=lambda _: self._images(),
            tooltip="Frames to correct, of shape (…, y, x).",
        )
        self.flats = LayerChecklist()
        self.flats.setToolTip(
            "Images of the illumination alone, in one layer or in several. Where "
            "along the scan each was recorded is its coordinate on the leading axis."
        )
        self.positions = LineEdit(
            label="Flat positions",
            tooltip="Where along the scan the flats were recorded, e.g. 0, 500. "
            "Grey: as the layers say.",
        )
        self.dark = ComboBox(
            label="Dark",
            nullable=True,
            choices=lambda _: self._fitting(),
            tooltip="Image without illumination, or several to average; optional.",
        )
        self._lay_out()
        self.refresh()
        self.raw.changed.connect(self._on_raw_changed)
        self.dark.changed.connect(lambda _: self.changed.emit())
        self.positions.changed.connect(lambda _: self.changed.emit())
        self.flats.changed.connect(self._on_flats_changed)

    def refresh(self) -> None:
        """Offer the layers there are now."""
        before = self.raw.value
        with self.raw.changed.blocked():
            self.raw.reset_choices()
            # magicgui knows choices by name, so loses one that is renamed.
            if before in self._images():
                self.raw.value = before
            new = [layer for layer in self._images() if layer not in self._seen]
            self._seen.update(new)
            if self.raw.value is None:
                self.raw.value = _latest(new, "raw")
        self._refresh_references(new, may_join=True)
        if self.raw.value is not before:
            self.changed.emit()

    def signals(self) -> tuple[Signal, list[Signal], Signal | None]:
        """Return raw, flats and dark as signals.

        Raises
        ------
        FlatFieldError
            If raw or flats are not chosen.
        """
        if self.raw.value is None:
            raise FlatFieldError("choose the layer with the raw frames")
        if not self.flats.value:
            raise FlatFieldError("tick the layers with the flats")
        dark = self.dark.value
        return (
            signal_of_layer(self.raw.value),
            [signal_of_layer(layer) for layer in self.flats.value],
            None if dark is None else signal_of_layer(dark),
        )

    def flat_positions(self) -> list[float] | None:
        """Return the positions typed in, or said by the layers; None for neither.

        Raises
        ------
        FlatFieldError
            If they are not numbers.
        """
        text = self.positions.value.replace(";", ",").strip(" ,")
        if not text:
            return self._world_positions()
        try:
            return [float(part) for part in text.split(",")]
        except ValueError as error:
            raise FlatFieldError(
                f"flat positions must be numbers like 0, 500, not {text!r}"
            ) from error

    def _lay_out(self) -> None:
        form = self.form = QFormLayout(self)
        form.setContentsMargins(0, 0, 0, 0)
        fit_narrow(form)
        add_row(form, self.raw)
        flats = QLabel("Flats")
        flats.setToolTip(self.flats.toolTip())
        flats.setBuddy(self.flats)
        form.addRow(flats, self.flats)
        add_row(form, self.positions)
        add_row(form, self.dark)

    def _images(self) -> list[Image]:
        return [
            layer
            for layer in self._viewer.layers
            if isinstance(layer, Image)
            and not layer.rgb
            and np.dtype(layer.dtype).kind in "biuf"
        ]

    def _fitting(self) -> list[Image]:
        """Layers that could be references of the raw layer chosen."""
        raw = self.raw.value
        return [
            layer
            for layer in self._images()
            if layer is not raw
            and layer.ndim <= 3
            and not _is_corrected(layer)
            and (raw is None or _frame(layer) == _frame(raw))
        ]

    def _refresh_references(self, new: list[Image], may_join: bool) -> None:
        before = self.dark.value
        fitting = self._fitting()
        with self.dark.changed.blocked():
            self.dark.reset_choices()
            if before in fitting:
                self.dark.value = before
            # An old layer stays out of a choice that the user has emptied.
            elif self.dark.value is None:
                self.dark.value = _latest([v for v in new if v in fitting], "dark")
        self.flats.offer(fitting)
        chosen = self.flats.value
        arrived = [v for v in new if v in fitting and _role(v) == "flat"]
        # Those of another file belong to the raw frames in it.
        beside = [v for v in arrived if may_join and _comes_with(v, chosen)]
        self.flats.value = chosen + beside if chosen else arrived
        self._hint_positions()

    def _on_raw_changed(self) -> None:
        self._refresh_references(self._images(), may_join=False)
        self.changed.emit()

    def _on_flats_changed(self) -> None:
        self._hint_positions()
        self.changed.emit()

    def _world_positions(self) -> list[float] | None:
        """Where layers have been put along the scan, with one at its start.

        One at 0 alone looks like one nobody has put anywhere, so it is believed
        only beside others. Layers of a file, with units, are left to `FlatField`.
        """
        axes = [signal_of_layer(v).axes[0] for v in self.flats.value if v.ndim == 3]
        if len(axes) < len(self.flats.value) or len({a.units for a in axes}) != 1:
            return None
        if len(axes) < 2 or not any(axis.is_index for axis in axes):
            return None
        values = [float(value) for axis in axes for value in axis.values]
        return None if all(axis.is_index for axis in axes) else values

    def _hint_positions(self) -> None:
        """Show in grey what the layers say, where they do."""
        said = self._world_positions() or []
        if not said:
            for layer in self.flats.value:
                axis = signal_of_layer(layer).axes[0]
                if layer.ndim == 3 and not axis.is_index:
                    said += axis.values[:_SHOWN].tolist()
        more = ", …" if len(said) > _SHOWN else ""
        shown = ", ".join(f"{value:g}" for value in said[:_SHOWN])
        self.positions.native.setPlaceholderText(f"{shown}{more}")


def _frame(layer: Image) -> tuple[int, ...]:
    return tuple(full_resolution(layer.data).shape[-2:])


def _role(layer: Image) -> Role:
    signal = layer.metadata.get(SIGNAL)
    return signal.role if signal is not None else role_of(layer.name)


def _comes_with(layer: Image, others: list[Image]) -> bool:
    return layer.source.path in {other.source.path for other in others}


def _is_corrected(layer: Image) -> bool:
    return bool(layer.name.startswith(PREFIX))


def _latest(layers: list[Image], role: Role) -> Image | None:
    return next(
        (v for v in reversed(layers) if _role(v) == role and not _is_corrected(v)), None
    )


if __name__ == "__main__":
    from .trying import try_out

    try_out(Inputs, "Inputs")
