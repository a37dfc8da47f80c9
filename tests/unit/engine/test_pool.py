import threading

import pytest

from tl_core.engine.pool import Pool


@pytest.mark.parametrize("submit", [Pool.submit_photos, Pool.submit_download])
def test_long_work_keeps_no_short_work_waiting(submit):
    pool, may_end = Pool(), threading.Event()
    try:
        long = [submit(pool, may_end.wait) for _ in range(20)]
        assert pool.submit(lambda: "a click").result(timeout=30) == "a click"
        assert not any(future.done() for future in long)
    finally:
        may_end.set()
        pool.close()
