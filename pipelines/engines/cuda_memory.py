"""How much memory one of CUDA's devices has, asked of the driver itself: engines do not tell."""

from __future__ import annotations

import ctypes
import sys

_DRIVER = "nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"


def cuda_memory(index: int) -> int | None:
    """Bytes that device `index` has, counted as the driver shows devices to this process; None if none."""
    try:
        driver = ctypes.CDLL(_DRIVER)
    except OSError:
        return None
    device, total = ctypes.c_int(), ctypes.c_size_t()
    failed = (
        driver.cuInit(0)
        or driver.cuDeviceGet(ctypes.byref(device), index)
        or driver.cuDeviceTotalMem_v2(ctypes.byref(total), device)
    )
    return None if failed else total.value
