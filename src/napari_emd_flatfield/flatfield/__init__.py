"""Flat-field correction: references, interpolation, kernel, corrected arrays."""

from .flatfield import FlatField, correct

__all__ = ["FlatField", "correct"]
