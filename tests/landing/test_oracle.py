"""Whatever a file holds, the parser says what an independent, obvious one says; however its bytes arrive."""

from __future__ import annotations

import os
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from conf.feed import Feed
from landing.csv_rows import csv_batches
from landing.delivered import CHUNK
from landing.refusal import Refused
from landing.rows import Shape
from landing.text import BLOCK, blocks
from tests.csv_oracle import Refusal, csv_oracle

EXAMPLES = int(os.environ.get("KEHU_FUZZ_EXAMPLES", "400"))
NAMES = ["a", "b"]
SHAPE = Shape(("a", "b"), frozenset({"a", "b"}), frozenset())

piece = st.sampled_from([
    '"', '""', ",", "\n", "\r\n", "\r", "x", "yy", " ", "é", "a,b\n", '"q"', '"q",', ',"', "1,2\n", '"1","2"\n', "\t", "\0", "\\",
])
body = st.lists(piece, max_size=30).map("".join)


def parsed(text: str, feed: Feed, chunk: int, block: int) -> list[tuple] | Refusal:
    data = text.encode()
    chunks = [data[at:at + chunk] for at in range(0, len(data), chunk)]
    with patch("landing.text.BLOCK", block):
        try:
            rows = [row for table in csv_batches(blocks(chunks, "utf-8"), feed, SHAPE) for row in table.to_pylist()]
        except Refused as refused:
            return Refusal(refused.reason)
    return [
        (row["line"], row["_problem"], None if row["_problem"] else (row["a"], row["b"])) for row in rows
    ]


@pytest.mark.parametrize("escape", ["doubled", "backslash"])
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), derandomize=EXAMPLES <= 400)
@given(body=body, chunk=st.integers(1, 40), block=st.sampled_from([1, 9, BLOCK]))
@example(body='1,"2\n3",4\n', chunk=CHUNK, block=1)
def test_the_parser_agrees_with_the_oracle(escape: str, body: str, chunk: int, block: int) -> None:
    text = "a,b\n" + body
    expected = csv_oracle(text, NAMES, backslash=escape == "backslash")
    assert parsed(text, Feed(escape=escape), chunk, block) == expected
