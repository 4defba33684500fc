"""What a signal is for, told from its name."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..signal import Role

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_FLAT = {"ff", "white", "whites", "whitefield", "whitefields", "gain"}
_DARK = {"background", "backgrounds", "bias"}
# Words that say nothing of the role, as in "mean_white_field_images".
_PLAIN = {
    *("field", "fields", "frame", "frames", "image", "images", "data", "map", "ref"),
    *("reference", "references", "mean", "median", "avg", "average", "stack"),
    *("before", "after", "pre", "post", "start", "end"),
}
# "corrected_flat", "background_subtracted" are results, whatever else they name;
# an annular or virtual dark field is an image.
_IMAGE = {
    *("corrected", "subtracted", "removed", "normalised", "normalized", "fielded"),
    *("flattened", "annular", "virtual"),
}


def role_of(path: str) -> Role:
    """Tell raw data from flats and darks by an HDF5 path.

    Parameters
    ----------
    path
        HDF5 path or name; the part nearest its end that says something decides.

    Returns
    -------
    str
        ``"flat"`` for names like flatfield, ff, white or gain, ``"dark"`` for
        dark, background or bias, else ``"raw"``.
    """
    for part in reversed(path.strip("/").split("/")):
        words = [word.lower() for word in _WORD.findall(part)]
        if _IMAGE.intersection(words):
            return "raw"
        telling = [word for word in words if word not in _PLAIN]
        for word in telling[:1] + telling[-1:]:
            if word.startswith("flat") or word in _FLAT:
                return "flat"
            if word.startswith("dark") or word in _DARK:
                return "dark"
        if "raw" in telling:
            break
    return "raw"
