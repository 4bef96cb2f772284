"""Why not: every offer for a customer on one day, with each rule that stood against it, and what held the customer's alerts back.

For auditors, as `kehu explain` is: what an offer says of the customer is not for a desk or a relationship manager.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from conf import ExitCode, KehuError, Settings
from jobs.context import Places
from jobs.ledger import last_day
from models.rules import RULES
from tables.arrow import Filter, read_arrow
from worklists.team import rule_in_words

LOOK_BACK_DAYS = 31
Row = dict[str, Any]


def why_not(settings: Settings, places: Places, customer_id: str) -> str:
    """The ledger of a customer's newest scores, as text.

    Raises
    ------
    KehuError
        MISSING when no offer of the customer was scored within `LOOK_BACK_DAYS` of the day last run.
    """
    today = last_day(places.lake)
    since, of_customer = today - timedelta(days=LOOK_BACK_DAYS), ("customer_id", "=", customer_id)
    scores = _rows(places, "offer_scores", [of_customer, ("as_of", ">=", since), ("as_of", "<=", today)])
    if not scores:
        raise KehuError(
            f"no offer of customer {customer_id!r} was scored from {since} to {today}; check the number, or run `kehu score`",
            ExitCode.MISSING,
        )
    day = max(row["as_of"] for row in scores)
    alerts = _rows(places, "alerts", [of_customer, ("raised_on", ">=", day - timedelta(days=LOOK_BACK_DAYS)), ("raised_on", "<=", today)])
    runs = _rows(places, "runs", [("job", "=", "score"), ("business_date", "=", day), ("status", "=", "done")])
    told = [*_offers([row for row in scores if row["as_of"] == day], day, settings), "", *_alerts(alerts, settings), *_rules_of(runs)]
    return "\n".join(told)


def _offers(scores: list[Row], day: date, settings: Settings) -> Iterator[str]:
    yield f"Offers for the customer on {day}, the first one first. For auditors: not for the customer or the relationship manager."
    for row in sorted(scores, key=lambda row: (row["rank"] or len(scores) + 1, row["offer_id"])):
        yield f"  {row['rank'] or '-'!s:>2}  {row['offer_id']}: {_judged(row, float(settings.contact_policy.min_expected_value))}"
        for rule in row["blocked_by"] or ():
            yield f"        {rule}: {RULES.get(rule, 'a rule of an earlier version')}"
    unscored = sorted(set(settings.offers) - {row["offer_id"] for row in scores})
    if unscored:
        yield f"   -  no model that day: {', '.join(unscored)}"


def _judged(row: Row, worth: float) -> str:
    told = f"probability {row['probability']:.4f}, expected value {row['expected_value']:,.2f}, model {row['model_version']}"
    if not row["eligible"]:
        return f"not offered; {told}"
    if row["propensity"] is None or row["propensity"] > 0:
        return told if row["propensity"] is None else f"{told}, chance to open a call {row['propensity']:.2%}"
    return f"{told}, opens no call by itself" + (f" (worth less than {worth:,.0f})" if row["expected_value"] < worth else "")


def _alerts(alerts: list[Row], settings: Settings) -> Iterator[str]:
    yield f"Alerts of the last {LOOK_BACK_DAYS} days"
    words = settings.wording["en"]
    for row in sorted(alerts, key=lambda row: (row["raised_on"], row["alert_id"])):
        rule = f", {row['suppressed_by']}: {rule_in_words(row['suppressed_by'], words)}" if row["suppressed_by"] else ""
        yield f"  {row['alert_id']}, {row['type']} of {row['raised_on']}: {row['status']}{rule}"
    if not alerts:
        yield "  none: nothing was found that is worth a call, or places went to calls worth more (only the next in line are stored)"


def _rules_of(runs: list[Row]) -> Iterator[str]:
    """Which version of the rules decided."""
    for run in sorted(runs, key=lambda row: row["ended_at"])[-1:]:
        yield ""
        yield f"Decided by run {run['run_id']}: code {run['code_version']}, configuration {run['conf_hash']}"


def _rows(places: Places, table: str, filters: list[Filter]) -> list[Row]:
    found = read_arrow(places.lake, table, None, filters)
    return [] if found is None else found.to_pylist()
