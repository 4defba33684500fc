"""Flat-field correction: references, interpolation, kernel, corrected arrays."""

from .flatfield import FlatField, correct
from .report import Report
from .settings import Output, Pixels, Reduction, Scaling

__all__ = ["FlatField", "Output", "Pixels", "Reduction", "Report", "Scaling", "correct"]
