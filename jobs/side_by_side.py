"""Independent pieces of one job, two at a time: while Spark plans one query on one core, it runs another on the next."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
AT_ONCE = 2


def side_by_side(*work: Callable[[], T]) -> list[T]:
    """What each piece of work returns, in the order given; the first error is raised once all have ended."""
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="kehu") as threads:
        return [done.result() for done in [threads.submit(each) for each in work]]
