"""Arrays that read what is asked, when it is asked."""

from .base import LazyArray
from .compound import ComplexArray, is_complex_compound
from .frame import FrameArray
from .hdf5 import H5Array
from .views import AdaptedArray, Part, PartArray, StackedArray, TransposedArray, adapt

__all__ = [
    "AdaptedArray",
    "ComplexArray",
    "FrameArray",
    "H5Array",
    "LazyArray",
    "Part",
    "PartArray",
    "StackedArray",
    "TransposedArray",
    "adapt",
    "is_complex_compound",
]
