"""The "Flat-field correction" dock."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

from magicgui.widgets import ComboBox, LineEdit, PushButton
from napari.layers import Image
from napari.utils.notifications import show_error, show_info
from qtpy.QtWidgets import QFormLayout, QLabel, QSizePolicy, QWidget

from ..errors import EmdFlatfieldError, FlatFieldError
from ..flatfield import FlatField
from ..flatfield.interpolation import INTERPOLATIONS
from ..formats.roles import role_of
from .layers import SIGNAL, layer_kwargs, signal_of_layer
from .saving import SaveJob, ask_where

if TYPE_CHECKING:
    from pathlib import Path

    import napari.viewer

    from ..signal import Role, Signal

_PREFIX = "corrected_"


class FlatFieldWidget(QWidget):
    """Choose raw, flats and dark layers, correct, save.

    Parameters
    ----------
    napari_viewer
        The viewer whose layers are corrected.
    """

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        self._viewer = napari_viewer
        self._job: SaveJob | None = None
        self._seen: weakref.WeakSet[Image] = weakref.WeakSet()
        self.raw = self._layer_choice(
            "raw", "Raw", "Frames to correct, of shape (…, y, x)."
        )
        self.flats = self._layer_choice(
            "flats",
            "Flats",
            "Images of the illumination alone. Where along the scan each was "
            "recorded is its coordinate on the leading axis.",
        )
        self.dark = self._layer_choice(
            "dark",
            "Dark",
            "Image without illumination, or several to average; optional.",
        )
        self.interpolation = ComboBox(
            name="interpolation",
            label="Interpolation",
            choices=INTERPOLATIONS,
            value="linear",
            tooltip="How the flat of a frame follows from the flats: linear between "
            "the two around it, the nearest, or one for all frames (mean, median, "
            "first). Outside the flats the nearest one holds.",
        )
        self.positions = LineEdit(
            name="positions",
            label="Flat positions",
            tooltip="Where along the scan the flats were recorded, e.g. 0, 500. "
            "Empty: as the flats layer says.",
        )
        self.correct_button = PushButton(
            text="Correct",
            tooltip="Add the corrected layer; it is computed as you look.",
        )
        self.save_button = PushButton(
            text="Save as EMD…",
            tooltip="Save the corrected layer of the chosen raw layer.",
        )
        self.status = QLabel()
        self.status.setWordWrap(True)
        policy = self.status.sizePolicy()
        policy.setHorizontalPolicy(QSizePolicy.Policy.Ignored)
        self.status.setSizePolicy(policy)  # a long path must not widen the dock
        self._lay_out()
        self._preselect()
        self.correct_button.changed.connect(self._on_correct)
        self.save_button.changed.connect(self._on_save)

    def reset_choices(self, *_: Any) -> None:
        """Offer the layers there are now; napari calls it when they change."""
        choices = (self.raw, self.flats, self.dark)
        before = [choice.value for choice in choices]
        for choice, layer in zip(choices, before, strict=True):
            choice.reset_choices()
            # magicgui knows choices by name, so loses one that is renamed.
            if layer is not None and layer in self._viewer.layers:
                choice.value = layer
        self._preselect()

    def _lay_out(self) -> None:
        form = QFormLayout(self)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        for row in (
            self.raw,
            self.flats,
            self.dark,
            self.interpolation,
            self.positions,
        ):
            label = QLabel(row.label)
            label.setToolTip(row.tooltip)
            form.addRow(label, row.native)
        form.addRow(self.correct_button.native)
        form.addRow(self.save_button.native)
        form.addRow(self.status)

    def _layer_choice(self, name: str, label: str, tooltip: str) -> ComboBox:
        return ComboBox(
            name=name,
            label=label,
            nullable=True,
            choices=lambda _: [
                layer for layer in self._viewer.layers if isinstance(layer, Image)
            ],
            tooltip=tooltip,
        )

    def _preselect(self) -> None:
        """Fill empty choices, by role and frame shape, with layers that are new.

        Old ones stay out of a choice that the user has emptied.
        """
        images = [layer for layer in self._viewer.layers if isinstance(layer, Image)]
        new = [layer for layer in images if layer not in self._seen]
        self._seen.update(new)
        frame = self.raw.value.data.shape[-2:] if self.raw.value else None
        wanted: tuple[tuple[ComboBox, Role], ...] = (
            (self.raw, "raw"),
            (self.flats, "flat"),
            (self.dark, "dark"),
        )
        for choice, role in wanted:
            if choice.value is not None:
                continue
            fitting = [
                layer
                for layer in new
                if _role(layer) == role
                and not layer.name.startswith(_PREFIX)
                and frame in (None, layer.data.shape[-2:])
            ]
            if fitting:
                choice.value = fitting[-1]
                frame = frame or fitting[-1].data.shape[-2:]

    def _on_correct(self) -> None:
        raw = self.raw.value
        try:
            corrected = self._flatfield().correct(self._signal("raw"))
            kwargs = layer_kwargs(corrected)
        except EmdFlatfieldError as error:
            self._fail(str(error))
            return
        name = corrected.name
        if name in self._viewer.layers and SIGNAL in self._viewer.layers[name].metadata:
            layer = self._viewer.layers[name]
            layer.data = corrected.data
            layer.metadata = kwargs["metadata"]
        else:
            layer = self._viewer.add_image(corrected.data, **kwargs)
            self._viewer.layers.move(
                self._viewer.layers.index(layer), self._viewer.layers.index(raw) + 1
            )
        self.status.setText(f"{name}: computed as it is shown or saved")

    def _on_save(self) -> None:
        raw = self.raw.value
        name = f"{_PREFIX}{raw.name}" if raw else ""
        if name not in self._viewer.layers:
            self._fail("nothing to save yet: press Correct first")
            return
        path = ask_where(f"{name}.emd")
        if path is not None:
            self.save(path)

    def save(self, path: Path) -> None:
        """Save the corrected layer in the background.

        Parameters
        ----------
        path
            The EMD file to write.
        """
        signal = signal_of_layer(self._viewer.layers[f"{_PREFIX}{self.raw.value.name}"])
        self.save_button.enabled = False
        self.status.setText(f"saving {path.name}…")
        self._job = SaveJob(path, signal)
        self._job.advanced.connect(self._on_advanced)
        self._job.succeeded.connect(self._on_saved)
        self._job.failed.connect(self._on_save_failed)
        self._job.start()

    def _on_advanced(self, done: int, total: int) -> None:
        self.status.setText(f"saving: {done} of {total} frames")

    def _on_saved(self, path: str) -> None:
        self.save_button.enabled = True
        self.status.setText(f"saved {path}")
        show_info(f"Saved {path}")

    def _on_save_failed(self, reason: str) -> None:
        self.save_button.enabled = True
        self._fail(reason)

    def _flatfield(self) -> FlatField:
        dark = self._signal("dark") if self.dark.value else None
        return FlatField(
            self._signal("flats"),
            dark,
            positions=self._positions(),
            interpolation=self.interpolation.value,
        )

    def _signal(self, name: str) -> Signal:
        layer = getattr(self, name).value
        if layer is None:
            raise FlatFieldError(f"choose the layer with the {name} images")
        return signal_of_layer(layer)

    def _positions(self) -> list[float] | None:
        text = self.positions.value.replace(";", ",").strip(" ,")
        if not text:
            return None
        try:
            return [float(part) for part in text.split(",")]
        except ValueError as error:
            raise FlatFieldError(
                f"flat positions must be numbers like 0, 500, not {text!r}"
            ) from error

    def _fail(self, reason: str) -> None:
        self.status.setText(reason)
        show_error(reason)


def _role(layer: Any) -> Role:
    signal = layer.metadata.get(SIGNAL)
    return signal.role if signal is not None else role_of(layer.name)
