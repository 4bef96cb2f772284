"""What a day's detection looks at, and what earlier days have left it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import pyarrow.parquet as pq

from benchmarks.references.forgiven import forgiven
from benchmarks.references.lookups import Lookup
from conf import Settings
from tables.arrow import read_arrow
from tables.durable import live_files

RECURRING_DAYS, RECURRING_ROWS = 130, 200
CALIBRATION_DAYS, FIRST_DAYS = 60, 7


@dataclass(frozen=True)
class Look:
    """Where nothing was detected before, the last days of history are judged by those before them."""

    since: date | None  # the day detected before
    data_start: date
    baseline_day: date  # usual is what was so by then
    told_from: date  # earlier flows are history, not news
    units_from: date  # first day of flows that counts
    forgiven: Lookup  # days that were flagged, and no longer are

    def moments(self, day: date) -> dict[str, date]:
        """As flows were known: when the day before ended, and now."""
        return {"now": day} if self.since is None else {"then": self.since, "now": day}

    @property
    def before(self) -> str:
        """Of which of the two moments the usual is."""
        return "now" if self.since is None else "then"


def look_of(lake: Path, day: date, settings: Settings) -> Look:
    """The look of a day of which the product's tables hold nothing later."""
    earlier = read_arrow(lake, "daily_flows", ["recorded_on"], [("recorded_on", "<", day)])
    since: date | None = max(earlier["recorded_on"].to_pylist(), default=None) if earlier is not None else None
    start, flows = min(map(_first_day, live_files(lake / "transactions"))), settings.flows
    history = min(max((day - start).days // 4, FIRST_DAYS), CALIBRATION_DAYS)
    baseline_day = since or day - timedelta(days=history)
    told_from = day - timedelta(days=FIRST_DAYS - 1) if since is None else since - timedelta(days=flows.baseline_days)
    units_from = baseline_day - timedelta(days=flows.baseline_days + max(flows.windows_days))
    schema = "customer_id string, business_date date, direction string, found_on date"
    no_news = Lookup("", (), schema, lambda _: forgiven(lake, day) if since else [])
    return Look(since, start, baseline_day, told_from, units_from, no_news)


def _first_day(file: Path) -> date:
    """Of a file of transactions, as its statistics say."""
    about = pq.ParquetFile(file)
    place = about.schema_arrow.names.index("business_date")
    first: date = min(about.metadata.row_group(nth).column(place).statistics.min for nth in range(about.metadata.num_row_groups))
    return first
