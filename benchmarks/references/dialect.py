"""What Spark's SQL and DuckDB's say differently, and the pieces both are put together from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from benchmarks.references.look import Look
from conf import Settings


@dataclass(frozen=True)
class Dialect:
    """`{}` stands for an expression, `{day}` and `{zone}` for what is asked."""

    age: str  # days from a date to the day
    hour: str
    weekend: str
    without_digits: str
    anti: str
    semi: str
    bins: str  # of one series, lowest first, each with its count


SPARK = Dialect(
    age="datediff(DATE '{day}', {})",
    hour="hour(from_utc_timestamp({}, '{zone}'))",
    weekend="dayofweek({}) IN (1, 7)",
    without_digits="regexp_replace({}, '[0-9]+', '#')",
    anti="LEFT ANTI",
    semi="LEFT SEMI",
    bins="array_join(transform(array_sort(collect_list(struct(bin, n))), each -> concat(each.bin, ':', each.n)), ' ')",
)
DUCKDB = Dialect(
    age="(DATE '{day}' - {})",
    hour="hour({} AT TIME ZONE 'UTC' AT TIME ZONE '{zone}')",
    weekend="dayofweek({}) IN (0, 6)",
    without_digits="regexp_replace({}, '[0-9]+', '#', 'g')",
    anti="ANTI",
    semi="SEMI",
    bins="string_agg(concat(bin, ':', n), ' ' ORDER BY bin)",
)


@dataclass(frozen=True)
class Asked:
    """A day of a bank, in a dialect."""

    dialect: Dialect
    day: date
    settings: Settings
    look: Look

    def age(self, of: str) -> str:
        return self._said(self.dialect.age, of)

    def years(self, of: str) -> str:
        """Whole years of age."""
        ahead = f"CASE WHEN substr(CAST({of} AS string), 6) > '{self.day:%m-%d}' THEN 1 ELSE 0 END"
        return f"({self.day.year} - year({of}) - {ahead})"

    def hour(self, of: str) -> str:
        return self._said(self.dialect.hour, of)

    def weekend(self, of: str) -> str:
        return self._said(self.dialect.weekend, of)

    def without_digits(self, of: str) -> str:
        return self._said(self.dialect.without_digits, of)

    def known(self, of: str, days: int = 365) -> str:
        """Whether something happened within so many days up to the day."""
        return f"{of} > DATE '{self.day}' - INTERVAL {days} DAYS AND {of} <= DATE '{self.day}'"

    def rated(self, of: str, on: str) -> str:
        """The rate of a row's currency on a date, as `r`."""
        return f"LEFT JOIN rates r ON {of}.currency = r.currency AND {on} >= r.since AND {on} < r.until"

    def base(self, amount: str, of: str) -> str:
        """An amount in base currency, at `r`."""
        exact = f"CAST(round({amount}, 2) AS decimal(18, 2))"
        currency = self.settings.bank.base_currency
        return f"CASE WHEN {of}.currency = '{currency}' THEN {exact} ELSE CAST(round({exact} * r.rate, 2) AS decimal(18, 2)) END"

    def _said(self, what: str, of: str) -> str:
        return what.format(of, day=self.day, zone=self.settings.bank.time_zone)


def number(value: float) -> str:
    """A double, which neither engine takes for a decimal."""
    return f"CAST({value!r} AS double)"


def listed(columns: Mapping[str, str]) -> str:
    return ", ".join(f"{expression} AS {name}" for name, expression in columns.items())


def total(of: str, when: str) -> str:
    return f"coalesce(CAST(sum(CASE WHEN {when} THEN {of} END) AS double), 0)"


def count(when: str) -> str:
    return f"count(CASE WHEN {when} THEN 1 END)"


def share(part: str, whole: str) -> str:
    return f"CAST({part} AS double) / nullif(CAST({whole} AS double), 0)"


def looked_up(column: str, values: Mapping[str, object]) -> str:
    cases = " ".join(f"WHEN '{name}' THEN {value}" for name, value in values.items())
    return f"CASE {column} {cases} ELSE 0 END"
