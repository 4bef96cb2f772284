"""The catalogue as a page of the documentation: `python -m features.page > docs/features.md`; a test keeps the two equal."""

from __future__ import annotations

from features.catalogue import FAMILIES, FEATURES
from features.feature import DIGITS, Feature

BEFORE = f"""# Features

One row a customer and day in `customer_features`; {len(FEATURES)} features, each declared once, beside the function that computes
it (`features/*_features.py`, `features/profitability.py`). This page is written from those declarations
(`python -m features.page > docs/features.md`); so are the table's columns and `kehu features --list`.

**Point in time.** A row of day D holds only what had happened by the end of D *and* was recorded by then. Customers and accounts
are read in the version known on D, holdings and rates in the newest row recorded by D; a late row never changes the past, and an
alert's status is not looked at, because it changes later. `features_as_of(job, days)` computes any list of past days in one pass
over the events; the day's job stores the same function's result, so training and scoring see the same numbers.

**A day costs a day.** In a large lake the sums behind the features of money and purchases (`flow_sums`, `account_sums`,
`purchase_sums`) are carried from the day before: read are the new day and those that leave a window. So are the payments that are
evidence of life events (`payment_evidence`). What is neither is read from at most a year, so history beyond it costs nothing;
[within it it does](benchmarks.md), and [why](decisions/9_a_bounded_year.md).

**Null or zero.** A feature whose *Empty when* is blank is never null: of a customer of whom nothing is found it is 0, or no.
Money is an exact sum in base currency; everything floating is rounded to {DIGITS} digits.

**Flows** are what `detect` calls flows: between deposits and the world outside; own transfers do not count, and equal amounts that
go both ways on one day net. What is *booked* by type or channel counts every movement, own transfers aside.

**Balances** are what the bank last stated on an account, at the day's rate; of two stated in one second, that of the movement with the
greater number in its id. The mean of the last n days' closing balances is that
balance less each movement weighed by the share of the days before it, which is exact where every movement is known.

**Regular payments and income**: by transfer or bill, the same other side, in at least three of the last five months, the largest
amount no more than half the mean above the smallest. **Margin**: each product's mean balance of the year times its transfer price;
**cost**: each movement at its channel's price and the keeping of open accounts (`profitability` in `conf/kehu.yaml`). Ahead: the
day's balances for a year less four times the last 90 days' cost. It supposes that nothing changes.

Personal data: `none`, `pseudonym`, `personal`, `sensitive` (money, conduct), `inferred`. *Model*: whether offer models may see it;
age, marital status and region are for eligibility and for people, never for models.
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
