"""Flat-field correction: references, interpolation, kernel, corrected arrays."""

from .flatfield import FlatField, correct
from .settings import Output, Pixels, Reduction, Scaling

__all__ = ["FlatField", "Output", "Pixels", "Reduction", "Scaling", "correct"]
