"""The settings of a correction, kept between sessions."""

from __future__ import annotations

from typing import Any

from magicgui.widgets import CheckBox, ComboBox, FloatSpinBox, LineEdit, PushButton
from qtpy.compat import isalive
from qtpy.QtCore import Signal as QtSignal
from qtpy.QtWidgets import QFormLayout, QLabel, QWidget

from ..errors import FlatFieldError
from ..flatfield import Output, Pixels, Reduction, Scaling
from ..flatfield.interpolation import INTERPOLATIONS
from .settings import stored

_DEAD = {"NaN": float("nan"), "0": 0.0, "1": 1.0, "median of neighbours": "median"}


class Options(QWidget):
    """How to interpolate between flats, and what to do with the result.

    `interpolation` is left for its owner to place; the rest is laid out here.
    What is set is kept in napari's settings of the plugin; what is changed there
    is shown here at once.
    """

    changed = QtSignal()

    def __init__(self) -> None:
        super().__init__()
        self._stored = stored("flatfield")
        self.interpolation = ComboBox(
            label="Interpolation",
            choices=INTERPOLATIONS,
            tooltip="How the flat of a frame follows from the flats: linear between "
            "the two around it, the nearest, one for all frames (mean, median, "
            "first), or dynamic: fitted to each frame from how the flats vary. "
            "Outside the flats the nearest one holds.",
        )
        self.reduction = ComboBox(
            label="Repeated flats",
            choices=("mean", "median"),
            tooltip="How several flats, or darks, at one position become one.",
        )
        self.dead_pixels = ComboBox(
            label="Dead pixels",
            choices=tuple(_DEAD),
            tooltip="Value of pixels that do not respond: those where flat - dark "
            "is not above the threshold, or the result is not a number.",
        )
        self.threshold = FloatSpinBox(
            label="Dead below",
            min=0,
            max=1e6,
            tooltip="A pixel is dead where flat - dark is not above so many counts.",
        )
        self.absorbance = CheckBox(
            text="Absorbance (-ln)",
            tooltip="Minus the logarithm of the transmission.",
        )
        self.keep_counts = CheckBox(
            text="Rescale to mean counts",
            tooltip="Multiply with the mean of flat - dark, so that intensities "
            "are in counts again.",
        )
        self.clip = LineEdit(
            label="Clip",
            tooltip="Lowest and highest value to let through, e.g. 0, 1.5; empty: "
            "all are.",
        )
        self.dtype = ComboBox(
            label="Type",
            choices=("float32", "float64", "float16", "uint16"),
            tooltip="Type of a pixel of the result. uint16 needs a clip range, "
            "which it spreads over its values.",
        )
        self.reset_button = PushButton(
            text="Reset", tooltip="Set everything here to its default."
        )
        self._values = {
            "interpolation": self.interpolation,
            "reduction": self.reduction,
            "dead_pixels": self.dead_pixels,
            "threshold": self.threshold,
            "absorbance": self.absorbance,
            "keep_counts": self.keep_counts,
            "clip": self.clip,
            "dtype": self.dtype,
        }
        self._defaults = {name: w.value for name, w in self._values.items()}
        self._lay_out()
        self._load()
        for name, widget in self._values.items():
            widget.changed.connect(lambda value, n=name: self._on_changed(n, value))
        self.reset_button.changed.connect(self.reset)
        if self._stored is not None:
            for name in self._values:
                getattr(self._stored.events, name).connect(self._on_stored)

    def settings(self) -> dict[str, Any]:
        """Return keyword arguments of `FlatField`.

        Raises
        ------
        FlatFieldError
            If they make no sense.
        """
        return {
            "interpolation": self.interpolation.value,
            "fill": _DEAD[self.dead_pixels.value],
            "dtype": self.dtype.value,
            "reduction": Reduction(method=self.reduction.value),
            "pixels": Pixels(threshold=self.threshold.value),
            "scaling": Scaling(keep_counts=self.keep_counts.value),
            "output": Output(log=self.absorbance.value, clip=self._clip()),
        }

    @property
    def quantity(self) -> tuple[Any, ...]:
        """What the result measures: while it stays, contrast limits can."""
        return self.absorbance.value, self.keep_counts.value, self.dtype.value

    def reset(self) -> None:
        """Set everything to its default."""
        for name, widget in self._values.items():
            widget.value = self._defaults[name]

    def _clip(self) -> tuple[float, float] | None:
        text = self.clip.value.replace(";", ",").strip(" ,")
        if not text:
            return None
        try:
            low, high = (float(part) for part in text.split(","))
        except ValueError as error:
            raise FlatFieldError(
                f"clip needs two numbers like 0, 1.5, not {text!r}"
            ) from error
        return low, high

    def _lay_out(self) -> None:
        form = QFormLayout(self)
        form.setContentsMargins(0, 0, 0, 0)
        fit_narrow(form)
        for widget in self._values.values():
            if widget is not self.interpolation:
                add_row(form, widget)
        form.addRow("", self.reset_button.native)

    def _load(self) -> None:
        for name, widget in self._values.items():
            widget.value = getattr(self._stored, name, widget.value)

    def _on_changed(self, name: str, value: Any) -> None:
        if self._stored is not None:
            setattr(self._stored, name, value)
        self.changed.emit()

    def _on_stored(self, event: Any) -> None:
        # Python may keep what is left of a closed dock for a while.
        if isalive(self):
            self._values[event.type].value = event.value


def fit_narrow(form: QFormLayout) -> None:
    """Let the fields of a form grow, and go below their labels in a narrow dock.

    Parameters
    ----------
    form
        Before rows are added, or after.
    """
    form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
    form.setRowWrapPolicy(QFormLayout.RowWrapPolicy.WrapLongRows)


def add_row(form: QFormLayout, widget: Any) -> None:
    """Add a magicgui widget to a form, with its label and tooltip.

    Parameters
    ----------
    form
        Where to add it.
    widget
        Any magicgui value widget; the text of a check box is its label.
    """
    if isinstance(widget, CheckBox):
        form.addRow("", widget.native)
        return
    label = QLabel(widget.label)
    label.setToolTip(widget.tooltip)
    label.setBuddy(widget.native)
    form.addRow(label, widget.native)


if __name__ == "__main__":
    from .trying import try_out

    try_out(lambda _: Options(), "Options")
