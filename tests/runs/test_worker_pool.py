"""How workers share limits, and what is said of one that ends."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handoff_evals.config import Portion
from handoff_evals.errors import UsageError
from handoff_evals.runs.worker_pool import users_lines


@given(st.integers(1, 8), st.integers(1, 8), st.integers(64, 10_000))
def test_the_shares_of_shards_and_their_workers_make_the_whole_limit(
    shards: int, workers: int, limit: int
) -> None:
    parts = [
        Portion().part(shard, shards).part(worker, workers).limit(limit, what="requests_per_minute")
        for shard in range(shards)
        for worker in range(workers)
    ]
    assert sum(part or 0 for part in parts) == limit
    assert max(part or 0 for part in parts) - min(part or 0 for part in parts) <= 1


def test_a_limit_that_is_too_small_to_be_shared_is_refused() -> None:
    with pytest.raises(UsageError, match=r"requests_per_minute = 2 can't be shared by 3 processes"):
        Portion(of=3).limit(2, what="requests_per_minute")


def test_no_limit_stays_none() -> None:
    assert Portion(of=3).limit(None, what="requests_per_minute") is None


def test_of_a_printed_stack_the_users_lines_are_named_innermost_last() -> None:
    printed = (
        'Current thread 0x1 (most recent call first):\n  File "/home/me/shop.py", line 7 in seek\n'
        f'  File "/home/me/shop.py", line 12 in look_up\n  File "{pytest.__file__}", line 1 in x\n'
    )
    assert users_lines(printed) == "look_up (shop.py, line 12) > seek (shop.py, line 7)"
