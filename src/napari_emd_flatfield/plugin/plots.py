"""What a correction does, drawn: intensity along the scan, and a histogram."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
import pyqtgraph
from qtpy.QtGui import QColor
from qtpy.QtWidgets import QSizePolicy, QVBoxLayout, QWidget

if TYPE_CHECKING:
    from .sampling import Profile

# Told apart by people who do not tell red from green (Okabe and Ito).
_RAW, _FLAT, _CORRECTED = "#56b4e9", "#e69f00", "#009e73"
_LINES, _WIDE, _DOT = 8, 9, 1


class Plots(QWidget):
    """Three plots: before and after correction along the scan, and a histogram."""

    def __init__(self) -> None:
        super().__init__()
        self._view = pyqtgraph.GraphicsLayoutWidget()
        self._view.setMinimumHeight(3 * _LINES * self.fontMetrics().height())
        # Its own idea of a good size would push the dock over the canvas.
        policy = QSizePolicy.Policy
        self._view.setSizePolicy(policy.Ignored, policy.MinimumExpanding)
        self.before = self._view.addPlot(row=0, col=0)
        self.after = self._view.addPlot(row=1, col=0)
        self.histogram = self._view.addPlot(row=2, col=0)
        self.after.setXLink(self.before)
        self.before.addLegend(offset=(-4, 4), labelTextSize="8pt", verSpacing=-6)
        self._raw = self.before.plot(name="raw")
        self._flat = self.before.plot(name="flat, interpolated")
        self._flats = self.before.plot(pen=None)
        self._corrected = self.after.plot()
        self._bars = self.histogram.plot(stepMode="center", fillLevel=0)
        self._marks = [pyqtgraph.InfiniteLine(angle=90) for _ in range(2)]
        for plot, mark in zip((self.before, self.after), self._marks, strict=True):
            plot.addItem(mark)
        for plot in (self.before, self.after, self.histogram):
            plot.setMenuEnabled(False)
            plot.hideButtons()
            plot.setMouseEnabled(x=False, y=False)
            left = plot.getAxis("left")
            left.enableAutoSIPrefix(False)
            # One width, or positions in the plots would not stand in line.
            left.setWidth(_WIDE * self.fontMetrics().averageCharWidth())
        self.before.setLabel("left", "mean, raw")
        self.after.setLabel("left", "mean, corrected")
        self.histogram.setLabel("left", "pixels")
        self.histogram.setLabel("bottom", "corrected, this frame")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._view)

    def set_colors(self, background: Any, foreground: Any) -> None:
        """Follow a theme.

        Parameters
        ----------
        background, foreground
            Anything `QColor` understands.
        """
        ground, text = QColor(background), QColor(foreground)
        self._view.setBackground(ground)
        for plot in (self.before, self.after, self.histogram):
            for side in ("left", "bottom"):
                plot.getAxis(side).setPen(text)
                plot.getAxis(side).setTextPen(text)
        self.before.legend.setLabelTextColor(text)
        for _, label in self.before.legend.items:
            label.setText(label.text)
        self._raw.setPen(_RAW, width=2)
        self._flat.setPen(_FLAT, width=2)
        self._flats.setSymbol("o")
        self._flats.setSymbolBrush(_FLAT)
        self._flats.setSymbolPen(None)
        self._flats.setSymbolSize(_DOT * self.fontMetrics().averageCharWidth())
        self._corrected.setPen(_CORRECTED, width=2)
        self._bars.setPen(_CORRECTED)
        self._bars.setBrush(_CORRECTED)
        text.setAlphaF(0.6)
        for mark in self._marks:
            mark.setPen(text)

    def show_profile(self, profile: Profile) -> None:
        """Draw intensities along a scan.

        Parameters
        ----------
        profile
            What to draw.
        """
        self._raw.setData(profile.positions, profile.raw)
        self._flat.setData(profile.positions, profile.interpolated)
        self._flats.setData(profile.flat_positions, profile.flats)
        self._corrected.setData(profile.positions, profile.corrected)
        self.after.setLabel("bottom", escape(profile.label))  # it takes HTML
        # What should be level is judged on a scale from zero, not blown up.
        highest = np.nanmax(np.append(profile.corrected, 0))
        if np.nanmin(np.append(profile.corrected, 0)) >= 0 and highest > 0:
            self.after.setYRange(0, 1.1 * highest)
        else:
            self.after.enableAutoRange(y=True)

    def show_histogram(self, counts: np.ndarray, edges: np.ndarray) -> None:
        """Draw the values of the frame in view.

        Parameters
        ----------
        counts, edges
            As `numpy.histogram` gives them.
        """
        self._bars.setData(edges, counts)

    def mark(self, position: float) -> None:
        """Mark where the frame in view lies.

        Parameters
        ----------
        position
            In the units of the profile.
        """
        for mark in self._marks:
            mark.setValue(position)


if __name__ == "__main__":
    from .sampling import Profile
    from .trying import try_out

    def _make(_: Any) -> Plots:
        plots, along = Plots(), np.linspace(0, 500, 41)
        flat = 5000 - 2 * along
        ends, level = along[[0, -1]], np.full(41, 0.9)
        plots.set_colors("#262930", "#f0f1f2")
        plots.show_profile(
            Profile("position (nm)", along, level * flat, level, flat, ends, flat[::40])
        )
        return plots

    try_out(_make, "Plots")
