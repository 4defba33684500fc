"""Which kernel corrects a block of frames: the compiled one where it can.

Compiling takes a second or two, once for each combination of dtypes and machine,
loading what is compiled half a second: this happens in the background, while
NumPy computes the same to the last bit.
"""

from __future__ import annotations

import os
import warnings
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np

from . import kernel
from .kernel import Mixture, Recipe, Rule

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Kernel = Callable[
        [np.ndarray, np.ndarray, Sequence[Recipe], Rule, slice], np.ndarray
    ]

# Smaller blocks are done before the compiled kernel is called.
_FEWEST_PIXELS = 2**14

# Programs under way or done, by what they are compiled for.
_programs: dict[tuple[Any, ...], Future[Kernel | None]] = {}


def correct_rows(
    raw: np.ndarray,
    out: np.ndarray,
    recipes: Sequence[Recipe],
    rule: Rule,
    rows: slice,
) -> np.ndarray:
    """Correct some rows of frames.

    Parameters
    ----------
    raw, out, recipes, rule, rows
        As for the NumPy kernel.
    """
    if raw.size >= _FEWEST_PIXELS and not rule.multiply and _suit(raw, out, recipes):
        compiled = _compiled(raw, recipes)
        if compiled is not None:
            return compiled(raw, out, recipes, rule, rows)
    return kernel.correct_rows(raw, out, recipes, rule, rows)


def _suit(raw: np.ndarray, out: np.ndarray, recipes: Sequence[Recipe]) -> bool:
    """Whether arrays are of the kinds that are worth a program."""
    first = recipes[0]
    if not isinstance(first.gain, Mixture) or out.dtype != np.float32:
        return False
    arrays = [raw, out, first.gain.images]
    if first.dark is not None:
        arrays.append(first.dark.images)
    return all(
        array.flags.c_contiguous and array.dtype.isnative and array.dtype.itemsize <= 4
        for array in arrays
    )


def _compiled(raw: np.ndarray, recipes: Sequence[Recipe]) -> Kernel | None:
    """The compiled kernel if it is ready for these dtypes, else None."""
    if not _has_numba():
        return None
    gain, dark, _ = recipes[0]
    kind = (
        raw.dtype,
        None if gain is None else gain.images.dtype,
        None if dark is None else dark.images.dtype,
        any(recipe.dark is not None and recipe.dark.weight for recipe in recipes),
    )
    program = _programs.get(kind)
    if program is None:
        program = _programs.setdefault(kind, _pool().submit(_prepare, *kind))
    return program.result() if program.done() else None


def _prepare(
    raw: np.dtype[Any],
    gain: np.dtype[Any] | None,
    dark: np.dtype[Any] | None,
    dark_drifts: bool,
) -> Kernel | None:
    """Compile for some dtypes, or load what was compiled before."""
    shape = 1, 1, 1
    darks = (
        None if dark is None else Mixture(np.zeros(shape, dark), 0, 0, dark_drifts / 2)
    )
    recipe = Recipe(Mixture(np.ones(shape, gain), 0, 0, 0.0), darks)
    try:
        from .compiled import correct_rows as compiled

        out = np.empty(shape, np.float32)
        compiled(np.ones(shape, raw), out, [recipe], Rule(0.0, 1.0), slice(0, 1))
    except Exception as error:  # noqa: BLE001 - whatever a compiler may raise
        warnings.warn(
            f"numba cannot be used ({error!r}): frames are corrected by NumPy alone, "
            "to the same result but more slowly; reinstall numba, or remove it",
            stacklevel=2,
        )
        return None
    return compiled


@cache
def _has_numba() -> bool:
    return find_spec("numba") is not None


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, thread_name_prefix="flatfield-compiler")


if hasattr(os, "register_at_fork"):
    # Threads, and what they were about to do, do not survive a fork.
    os.register_at_fork(after_in_child=_pool.cache_clear)
    os.register_at_fork(after_in_child=_programs.clear)
