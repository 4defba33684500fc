"""Arrays that read what is asked, when it is asked."""

from .base import LazyArray
from .hdf5 import H5Array
from .views import AdaptedArray, PartArray, StackedArray, TransposedArray, adapt

__all__ = [
    "AdaptedArray",
    "H5Array",
    "LazyArray",
    "PartArray",
    "StackedArray",
    "TransposedArray",
    "adapt",
]
