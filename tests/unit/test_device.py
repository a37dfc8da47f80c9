import sys

import psutil
import pytest

from tl_core.device import give_back_freed_memory, keep_freed_memory

MB = 2**20


@pytest.mark.skipif(sys.platform != "linux", reason="only glibc keeps freed memory so")
def test_memory_freed_between_small_things_is_given_back_when_asked():
    keep_freed_memory()
    large, small = [], []
    for _ in range(20):
        large.append(b"x" * 8 * MB)
        small.append(b"y" * 5000)  # keeps the heap from shrinking
    large.clear()
    kept = psutil.Process().memory_info().rss
    give_back_freed_memory()
    assert kept - psutil.Process().memory_info().rss > 100 * MB
    assert small
