"""Streaming signals into EMD files."""

from .emd import write

__all__ = ["write"]
