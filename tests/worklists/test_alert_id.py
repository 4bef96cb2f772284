"""Alert ids: the same everywhere, and a typing error never leads to another alert."""

from __future__ import annotations

import hashlib
import itertools

import pyspark.sql.functions as F
from hypothesis import given, settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from tests.literal_worklist import an_id
from worklists.alert_id import ALPHABET, alert_id, is_alert_id, normalised

BODIES = st.text(ALPHABET, min_size=12, max_size=12)


def by_hand(*identity: str) -> str:
    digest = hashlib.sha256("|".join(identity).encode()).hexdigest()
    values = [int(digest[at : at + 5], 16) % 31 for at in range(0, 60, 5)]
    check = sum(weight * value for weight, value in enumerate(values, start=1)) % 31
    return f"AL-{''.join(ALPHABET[value] for value in values)}-{ALPHABET[check]}"


def test_an_id_is_a_hash_of_the_customer_and_the_matter(spark: SparkSession) -> None:
    people = [("C1", "flow|a"), ("C1", "flow|b"), ("客户", "offer|x")]
    rows = spark.createDataFrame(people, "customer_id string, matter string")
    made = [row[0] for row in rows.select(alert_id(F.col("customer_id"), F.col("matter"))).collect()]
    assert made == [by_hand(*identity) for identity in people]
    assert all(is_alert_id(found) for found in made)


@settings(max_examples=40)
@given(BODIES, st.integers(0, 11), st.sampled_from(ALPHABET))
def test_one_wrong_character_is_noticed(body: str, place: int, typed: str) -> None:
    right = an_id(body)
    wrong = right[: 3 + place] + typed + right[4 + place :]
    assert is_alert_id(wrong) == (wrong == right)


@settings(max_examples=20)
@given(BODIES)
def test_any_two_exchanged_characters_are_noticed(body: str) -> None:
    for first, second in itertools.combinations(range(12), 2):
        exchanged = list(body)
        exchanged[first], exchanged[second] = body[second], body[first]
        assert is_alert_id(f"AL-{''.join(exchanged)}{an_id(body)[15:]}") == (exchanged == list(body))


def test_what_people_and_spreadsheets_do_to_an_id_is_undone() -> None:
    right = by_hand("C1", "flow|a")
    for handed_back in (right.lower(), f"  {right} ", f"'{right}", f'"{right}"', right.replace("-", "–"), f"\ufeff{right}"):
        assert normalised(handed_back) == right
    assert not is_alert_id("AL-0OIL00000000-2")
    assert not is_alert_id("")
