"""A list of layers to tick."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Qt
from qtpy.QtCore import Signal as QtSignal
from qtpy.QtWidgets import QAbstractItemView, QListWidget, QListWidgetItem

if TYPE_CHECKING:
    from napari.layers import Image

_ROWS = 4


class LayerChecklist(QListWidget):
    """Layers with a tick each."""

    changed = QtSignal()

    def __init__(self) -> None:
        super().__init__()
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.setTabKeyNavigation(False)
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


if __name__ == "__main__":
    from .trying import try_out

    def _make(viewer: Any) -> LayerChecklist:
        layers = LayerChecklist()
        layers.offer([*viewer.layers])
        return layers

    try_out(_make, "Layers")
