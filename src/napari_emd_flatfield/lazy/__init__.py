"""Arrays that read what is asked, when it is asked."""

from .base import LazyArray
from .cache import CACHE
from .hdf5 import H5Array
from .pyramid import pyramid
from .views import AdaptedArray, PartArray, StackedArray, TransposedArray, adapt

__all__ = [
    "CACHE",
    "AdaptedArray",
    "H5Array",
    "LazyArray",
    "PartArray",
    "StackedArray",
    "TransposedArray",
    "adapt",
    "pyramid",
]
