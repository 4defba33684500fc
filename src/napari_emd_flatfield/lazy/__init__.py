"""Arrays that read what is asked, when it is asked."""

from .base import LazyArray
from .compound import ComplexArray, is_complex_compound
from .frame import FrameArray
from .hdf5 import H5Array
from .views import (
    AdaptedArray,
    ConcatenatedArray,
    FieldArray,
    Part,
    PartArray,
    PickedArray,
    StackedArray,
    TransposedArray,
    adapt,
)

__all__ = [
    "AdaptedArray",
    "ComplexArray",
    "ConcatenatedArray",
    "FieldArray",
    "FrameArray",
    "H5Array",
    "LazyArray",
    "Part",
    "PartArray",
    "PickedArray",
    "StackedArray",
    "TransposedArray",
    "adapt",
    "is_complex_compound",
]
