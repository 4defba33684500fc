"""File layouts: one module a dialect, found by content and never by extension."""

from .reading import read

__all__ = ["read"]
