"""What this machine has: memory, and cores."""

from __future__ import annotations

import os
from functools import cache

# More would wait for memory or the disk.
MOST_THREADS = 8


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


def core_count() -> int:
    """How many threads may run at once: the cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
