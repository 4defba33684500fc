"""How much fits into memory."""

from __future__ import annotations

import os
from functools import cache


@cache
def physical_memory() -> int:
    """Bytes of memory this machine has; the most a block may ever take.

    Returns
    -------
    int
        2**63 where the system does not say.
    """
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return 2**63
