"""Arrays that read what is asked, when it is asked."""

from .base import LazyArray
from .hdf5 import H5Array
from .views import (
    AdaptedArray,
    ConcatenatedArray,
    FieldArray,
    PartArray,
    PickedArray,
    StackedArray,
    TransposedArray,
    adapt,
)

__all__ = [
    "AdaptedArray",
    "ConcatenatedArray",
    "FieldArray",
    "H5Array",
    "LazyArray",
    "PartArray",
    "PickedArray",
    "StackedArray",
    "TransposedArray",
    "adapt",
]
