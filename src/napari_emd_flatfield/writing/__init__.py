"""Streaming signals into EMD files."""

from .emd import write
from .progress import Progress

__all__ = ["Progress", "write"]
