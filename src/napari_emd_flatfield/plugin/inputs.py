"""Which layers are raw, flats and dark."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING

import numpy as np
from magicgui.widgets import ComboBox, LineEdit
from napari.layers import Image
from qtpy.QtCore import Qt
from qtpy.QtCore import Signal as QtSignal
from qtpy.QtWidgets import (
    QAbstractItemView,
    QFormLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QWidget,
)

from ..errors import FlatFieldError
from ..formats.roles import role_of
from .layers import SIGNAL, signal_of_layer
from .options import add_row

if TYPE_CHECKING:
    import napari.viewer

    from ..signal import Role, Signal

PREFIX = "corrected_"
_ROWS = 4


class LayerChecklist(QListWidget):
    """Layers with a tick each."""

    changed = QtSignal()

    def __init__(self) -> None:
        super().__init__()
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.setSizeAdjustPolicy(QListWidget.SizeAdjustPolicy.AdjustToContents)
        self.itemChanged.connect(lambda _: self.changed.emit())

    @property
    def value(self) -> list[Image]:
        """Layers that are ticked, in the order shown."""
        return [
            item.data(Qt.ItemDataRole.UserRole)
            for item in self._items()
            if item.checkState() == Qt.CheckState.Checked
        ]

    @value.setter
    def value(self, layers: list[Image]) -> None:
        for item in self._items():
            chosen = item.data(Qt.ItemDataRole.UserRole) in layers
            item.setCheckState(
                Qt.CheckState.Checked if chosen else Qt.CheckState.Unchecked
            )

    def _items(self) -> list[QListWidgetItem]:
        rows = (self.item(row) for row in range(self.count()))
        return [item for item in rows if item is not None]

    def offer(self, layers: list[Image]) -> None:
        """Show these layers, with the ticks they had.

        Parameters
        ----------
        layers
            In the order to show.
        """
        before = self.value
        self.blockSignals(True)
        self.clear()
        for layer in layers:
            item = QListWidgetItem(layer.name, self)
            item.setData(Qt.ItemDataRole.UserRole, layer)
            item.setCheckState(Qt.CheckState.Unchecked)
        self.value = before
        self.blockSignals(False)
        shown = min(max(self.count(), 1), _ROWS)
        row = self.sizeHintForRow(0) if self.count() else self.fontMetrics().height()
        self.setMaximumHeight(shown * row + 2 * self.frameWidth() + row // 2)
        if self.value != before:
            self.changed.emit()


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
        self._refresh_references(new)
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
        """Return the positions typed in; None to take them from the layers.

        Raises
        ------
        FlatFieldError
            If they are not numbers.
        """
        text = self.positions.value.replace(";", ",").strip(" ,")
        if not text:
            return None
        try:
            return [float(part) for part in text.split(",")]
        except ValueError as error:
            raise FlatFieldError(
                f"flat positions must be numbers like 0, 500, not {text!r}"
            ) from error

    def _lay_out(self) -> None:
        form = self.form = QFormLayout(self)
        form.setContentsMargins(0, 0, 0, 0)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        add_row(form, self.raw)
        flats = QLabel("Flats")
        flats.setToolTip(self.flats.toolTip())
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

    def _refresh_references(self, new: list[Image]) -> None:
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
        if not self.flats.value:
            self.flats.value = [
                layer for layer in new if layer in fitting and _role(layer) == "flat"
            ]
        self._hint_positions()

    def _on_raw_changed(self) -> None:
        self._refresh_references(self._images())
        self.changed.emit()

    def _on_flats_changed(self) -> None:
        self._hint_positions()
        self.changed.emit()

    def _hint_positions(self) -> None:
        """Show in grey what the layers say, where they do."""
        said: list[str] = []
        for layer in self.flats.value:
            axis = signal_of_layer(layer).axes[0]
            if layer.ndim == 3 and not axis.is_index:
                said += [f"{value:g}" for value in axis.values[:8]]
        self.positions.native.setPlaceholderText(", ".join(said))


def _frame(layer: Image) -> tuple[int, ...]:
    return tuple(layer.data.shape[-2:])


def _role(layer: Image) -> Role:
    signal = layer.metadata.get(SIGNAL)
    return signal.role if signal is not None else role_of(layer.name)


def _is_corrected(layer: Image) -> bool:
    return bool(layer.name.startswith(PREFIX))


def _latest(layers: list[Image], role: Role) -> Image | None:
    return next(
        (v for v in reversed(layers) if _role(v) == role and not _is_corrected(v)), None
    )
