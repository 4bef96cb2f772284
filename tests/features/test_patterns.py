"""Configured patterns are refused before there is a Java to ask: what is accepted must be a pattern to it, too."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import BaseModel
from pyspark.sql import SparkSession

from conf import Settings
from tests.conf.test_settings import ALIKE


def patterns(value: object) -> Iterator[str]:
    """Every pattern of a configuration."""
    if isinstance(value, BaseModel):
        for name, field in value:
            yield from [field] if name in ("pattern", "excluded") and isinstance(field, str) else patterns(field)
    elif isinstance(value, dict | tuple):
        for each in value.values() if isinstance(value, dict) else value:
            yield from patterns(each)


def test_java_reads_what_is_accepted(spark: SparkSession, settings: Settings) -> None:
    segments = settings.segments
    grouped = [*segments.occupation_groups.values(), *segments.purchase_groups.values(), *segments.preferences.values()]
    found = [*ALIKE, *grouped, *patterns(settings)]
    assert len(found) > 70
    for pattern in found:
        assert spark._jvm.java.util.regex.Pattern.compile(pattern).pattern() == pattern
