"""Keeps glibc from handing every large block back to the kernel, which costs a training step a third of its time."""

import ctypes
import sys

# From glibc's malloc.h. Above M_MMAP_THRESHOLD a block is mapped and unmapped anew each time; beyond
# M_TRIM_THRESHOLD of free memory at its top, the heap is given back.
_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4
_NEVER = 2**31 - 1


def keep_freed_memory() -> bool:
    """Let the process keep the memory that it frees, to use it again; return whether that could be set.

    Only on Linux with glibc; elsewhere nothing happens.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL("libc.so.6").mallopt
    except (OSError, AttributeError):
        return False
    return bool(mallopt(_M_TRIM_THRESHOLD, _NEVER)) and bool(mallopt(_M_MMAP_MAX, 0))
