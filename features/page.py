"""The catalogue as a page of the documentation: `python -m features.page > docs/features.md`; a test keeps the two equal."""

from __future__ import annotations

from features.catalogue import FAMILIES, FEATURES
from features.feature import DIGITS, Feature

BEFORE = f"""# Features

One row a customer and day in `customer_features`; {len(FEATURES)} features, each declared once, beside the function that computes
it (`features/*_features.py`, `features/profitability.py`). This page is written from those declarations
(`python -m features.page > docs/features.md`); so are the table's columns and `kehu features --list`.

**Point in time.** A row of day D holds only what had happened by the end of D *and* was recorded by then. Customers and accounts
are read in the version known on D, holdings and rates in the newest row recorded by D. A late row never changes the past. An
alert's status is not read, because it changes later. `features_as_of(job, days)` computes any list of past days in one pass over
the events; the day's job stores the result of the same function, so training and scoring see the same numbers.

**A day costs a day.** In a large lake the sums behind the features of money and purchases (`flow_sums`, `account_sums`,
`purchase_sums`) are carried from the day before, as are the payments that are evidence of life events (`payment_evidence`): only the
new day and the days that leave a window are read. Everything else reads at most a year, so history beyond it costs nothing.
[What history within the year costs](benchmarks.md), and [why](decisions/9_a_bounded_year.md).

**Null or zero.** A feature whose *empty when* is blank is never null: for a customer without data it is 0, or no.
Money is an exact sum in base currency; floating numbers are rounded to {DIGITS} digits.

**Flows** are what `detect` calls flows: money between deposits and the world outside. Own transfers do not count, and equal amounts
that go both ways on one day cancel out. What is *booked* by type leaves own transfers out; investments, loans and time deposits
count where they move a current or savings account. Counts by channel and habits count every movement.

**Balances** are what the bank last stated on an account, at the day's rate. Of two stated in one second, the one whose transaction has
the greater number in its id counts. The mean of the last n days' closing balances is that balance less each movement times the
share of the days before it, which is exact where every movement is known. A time deposit or loan without a stated
balance stands at its principal from the day it was opened until the day it was closed.

**Regular payments and income** are of type transfer, bill or other, have the same other side, and came in at least three calendar
months of the last 150 days; the largest amount is above the smallest by at most half the mean. What a month brings is the median of the
calendar months' sums. **Margin**: each product's mean balance of the year times its transfer price, and invested holdings times theirs.
**Cost**: each movement at its channel's price, and the keeping of open accounts (`profitability` in `conf/kehu.yaml`). **Ahead**: the
day's balances kept for a year, with four times the last 90 days' fees and movements; it supposes that nothing changes.

*Personal*: `none`, `pseudonym`, `personal`, `sensitive` (money, conduct) or `inferred`. *Model*: whether offer models may see it.
Age, marital status and region decide eligibility and are shown to people, but no model sees them.
"""


def page() -> str:
    """The whole page."""
    return "\n".join([BEFORE, *(line for family, features in FAMILIES.items() for line in _family(family, features))])


def _family(name: str, features: tuple[Feature, ...]) -> list[str]:
    head = ["| feature | what it is | unit | days | from | empty when | personal | model |", "|---|---|---|---|---|---|---|---|"]
    return [f"## {name}", "", *head, *(_row(feature) for feature in features), ""]


def _row(feature: Feature) -> str:
    cells = (
        f"`{feature.name}`",
        feature.description,
        feature.unit,
        str(feature.window_days or ""),
        feature.source,
        feature.null_meaning,
        feature.personal,
        "yes" if feature.model_input else "no",
    )
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    print(page(), end="")
