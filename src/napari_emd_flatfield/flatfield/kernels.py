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

    Kernel = Callable[[np.ndarray, np.ndarray, Sequence[Recipe], Rule], np.ndarray]

# Smaller blocks are done before the compiled kernel is called.
_FEWEST_PIXELS = 2**14

# Programs under way or done, by what they are compiled for.
_programs: dict[tuple[Any, ...], Future[Kernel | None]] = {}


def correct_rows(
    raw: np.ndarray, out: np.ndarray, recipes: Sequence[Recipe], rule: Rule
) -> np.ndarray:
    """Correct frames, or the same rows of frames.

    Parameters
    ----------
    raw, out, recipes, rule
        As for the NumPy kernel.
    """
    suits = raw.size >= _FEWEST_PIXELS and not rule.multiply
    if suits and _suit(raw, out, recipes):
        compiled = _compiled(raw, recipes)
        if compiled is not None:
            return compiled(raw, out, recipes, rule)
    return kernel.correct_rows(raw, out, recipes, rule)


def _suit(raw: np.ndarray, out: np.ndarray, recipes: Sequence[Recipe]) -> bool:
    """Whether arrays are of the kinds that are worth a program."""
    images = [raw[0], out[0]]
    for gain, dark, _ in recipes:
        if not isinstance(gain, Mixture):
            return False
        images.append(gain.images[0])
        if dark is not None:
            images.append(dark.images[0])
    return out.dtype == np.float32 and all(
        image.flags.c_contiguous and image.dtype.isnative and image.dtype.itemsize <= 4
        for image in images
    )


def _compiled(raw: np.ndarray, recipes: Sequence[Recipe]) -> Kernel | None:
    """The compiled kernel if it is ready for these dtypes, else None."""
    if not _has_numba():
        return None
    kinds = {
        (
            raw.dtype,
            gain and gain.images.dtype,
            dark and dark.images.dtype,
            bool(dark and dark.weight),
        )
        for gain, dark, _ in recipes
    }
    programs = [
        _programs.get(kind)
        or _programs.setdefault(kind, _pool().submit(_prepare, kind))
        for kind in kinds
    ]
    if not all(program.done() for program in programs):
        return None
    return programs[0].result()


def _prepare(kind: tuple[Any, ...]) -> Kernel | None:
    """Compile for some dtypes, or load what was compiled before."""
    raw, gain, dark, between = kind
    frame = np.ones((1, 1, 1), raw)
    darks = None
    if dark is not None:
        darks = Mixture(np.zeros((1, 1, 1), dark), 0, 0, 0.5 * between)
    recipe = Recipe(Mixture(np.ones((1, 1, 1), gain), 0, 0, 0.0), darks)
    try:
        from .compiled import correct_rows as compiled

        compiled(frame, np.empty((1, 1, 1), np.float32), [recipe], Rule(0.0, 1.0))
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
