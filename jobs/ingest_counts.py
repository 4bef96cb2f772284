"""What a pass over a feed's rows counts: what became of each file's, what the judge looks at, and which file has too many bad ones."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

import pyspark.sql.functions as F
from pyspark.sql import DataFrame

from conf.feed import Feed
from expectations import Contract
from expectations.duplicates import ACCEPTED
from expectations.rules import RULES, SOURCE
from expectations.suite import AGE, DUPLICATES, LARGEST, REPEATED, ROWS, WAITING, Measures, empty
from expectations.suite import QUARANTINED as SHARE_QUARANTINED
from jobs.context import Job
from landing import Landed

QUARANTINED, ORPHAN = "quarantined", "ORPHAN_KEY"
VERDICT, WAITS_FOR = "_verdict", "_waits_for"
TELLING_ROWS = 30  # a share of fewer says nothing


@dataclass
class Counted:
    """Rows and amounts of one file by what became of them."""

    rows: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    amounts: dict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))  # accepted, by currency


@dataclass
class Pass:
    """What one pass over a feed's rows counted."""

    files: dict[str, Counted] = field(default_factory=lambda: defaultdict(Counted))
    days: set[date] = field(default_factory=set)  # business dates of the good rows
    largest: Decimal | None = None
    filled: dict[str, int] = field(default_factory=lambda: defaultdict(int))  # column -> good rows that say something in it

    @property
    def good(self) -> int:
        return sum(of_file.rows[ACCEPTED] for of_file in self.files.values())


def counts(rows: DataFrame, contract: Contract, conf: Feed) -> Pass:
    """One pass over new rows: how many are good, bad or waiting by file, and what the good ones look like."""
    state = F.when(F.col(WAITS_FOR).isNotNull(), ORPHAN).when(F.size(RULES) > 0, QUARANTINED).otherwise(ACCEPTED)
    return grouped(rows.withColumn(VERDICT, state), contract, sorted(conf.max_empty_share))


def grouped(rows: DataFrame, contract: Contract, asked: Sequence[str] = ()) -> Pass:
    by_currency = F.col("currency") if contract.amount else F.lit(None).cast("string")
    amount = F.col(contract.amount) if contract.amount else F.lit(None).cast("decimal(18,2)")
    of_files = rows.groupBy(SOURCE, VERDICT, by_currency.alias("_currency")).agg(
        F.count("*").alias("_rows"), F.sum(amount).alias("_sum"), F.max(amount).alias("_largest"),
        F.collect_set("business_date").alias("_days"), *(F.count(name).alias(f"_filled_{name}") for name in asked))
    found = Pass()
    for row in of_files.collect():
        of_file = found.files[row[SOURCE]]
        of_file.rows[row[VERDICT]] += row["_rows"]
        if row[VERDICT] != ACCEPTED:
            continue
        found.days |= set(row["_days"])
        for name in asked:
            found.filled[name] += row[f"_filled_{name}"]
        if contract.amount:
            of_file.amounts[row["_currency"]] += row["_sum"]
            found.largest = max(row["_largest"], found.largest or row["_largest"])
    return found


def measures(first: Pass, counted: Mapping[str, Counted], landed: Sequence[Landed], repeated: int) -> Measures:
    """What the judge looks at: shares of this run's rows, and the newest drop's size and age."""
    rows = sum(file.rows for file in landed)
    if not rows:
        return {}
    of_run = [counted[file.drop.source_file].rows for file in landed]
    waiting = sum(first.files[file.drop.source_file].rows[ORPHAN] for file in landed)
    newest = max(file.drop.day for file in landed)
    found = {
        ROWS: float(sum(file.rows for file in landed if file.drop.day == newest)),
        REPEATED: float(repeated),
        SHARE_QUARANTINED: (sum(each[QUARANTINED] for each in of_run) - waiting) / rows,
        WAITING: waiting / rows,
        DUPLICATES: sum(each["duplicate"] for each in of_run) / rows,
    }
    if first.days:
        found[AGE] = float((newest - max(first.days)).days)
    if first.largest is not None:
        found[LARGEST] = float(first.largest)
    if first.good >= TELLING_ROWS:
        found |= {empty(name): 1 - filled / first.good for name, filled in first.filled.items()}
    return found


def over_limit(job: Job, contract: Contract, landed: Sequence[Landed], counted: Mapping[str, Counted]) -> dict[str, str]:
    """Files with too many bad rows to trust the rest; rows that only wait for a customer or an account do not count."""
    limits = job.settings.feed(contract.feed).quarantine
    refused = {}
    for file in landed:
        bad = counted[file.drop.source_file].rows[QUARANTINED] if file.drop.source_file in counted else 0
        if bad > limits.max_rows and bad > limits.max_share * file.rows:
            refused[file.drop.source_file] = f"QUARANTINE_RATIO: {bad} of {file.rows} rows break a rule"
    return refused
