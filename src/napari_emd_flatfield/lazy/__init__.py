"""Arrays that read what is asked, when it is asked."""

from . import forking  # noqa: F401 - importing it prepares for forks
from .base import LazyArray
from .blocks import read_once
from .cache import CACHE
from .compound import ComplexArray, is_complex_compound
from .hdf5 import H5Array
from .pyramid import FullLevel, pyramid
from .views import (
    AdaptedArray,
    ConcatenatedArray,
    FieldArray,
    FrameArray,
    Part,
    PartArray,
    PickedArray,
    StackedArray,
    TransposedArray,
    adapt,
)

__all__ = [
    "CACHE",
    "AdaptedArray",
    "ComplexArray",
    "ConcatenatedArray",
    "FieldArray",
    "FrameArray",
    "FullLevel",
    "H5Array",
    "LazyArray",
    "Part",
    "PartArray",
    "PickedArray",
    "StackedArray",
    "TransposedArray",
    "adapt",
    "is_complex_compound",
    "pyramid",
    "read_once",
]
