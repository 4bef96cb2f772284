"""Explain: why an alert was raised, read again from the tables and recomputed, without Spark."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

from conf import ExitCode, KehuError, Settings, conf_hash
from jobs.context import Places
from tables.arrow import Filter, read_arrow, stood
from tables.change_feed import changes
from worklists.alert_id import is_alert_id, normalised
from worklists.figures import day as told_day
from worklists.figures import money

Row = dict[str, Any]
CENT = Decimal("0.01")
DIRECTION = {"deposit": "credit", "withdrawal": "debit"}


def explained(settings: Settings, places: Places, alert_id: str) -> str:
    """An alert with everything behind it, as text: rows, baselines, model inputs, table versions, history.

    Amounts, counts and offers are computed again from the rows; what comes out otherwise than it is stored is named. What takes
    everybody's flows (peers, p, q) is detected again by `jobs.redetect`, with Spark.

    Raises
    ------
    KehuError
        As `alert_of`.
    """
    return "\n".join(_told(_Behind(settings, places.lake), alert_of(places.lake, alert_id)))


def alert_of(lake: Path, alert_id: str) -> Row:
    """The alert of an id as a person types it.

    Raises
    ------
    KehuError
        USAGE when the id is mistyped; REJECTED when no alert has it.
    """
    name = normalised(alert_id)
    if not is_alert_id(name):
        raise KehuError(f"{alert_id!r} is no alert id, or one with a typing error; it looks like AL-7K3FQ2M9BXTC-4", ExitCode.USAGE)
    found = read_arrow(lake, "alerts", filters=[("alert_id", "=", name)])
    if found is None or not found.num_rows:
        raise KehuError(f"no alert {name} in {lake}; check the lake", ExitCode.REJECTED)
    row: Row = found.to_pylist()[0]
    return row


class _Behind:
    """What the tables hold of one alert."""

    def __init__(self, settings: Settings, lake: Path) -> None:
        self.settings, self.lake = settings, lake

    def rows(self, table: str, filters: Sequence[Filter], columns: Sequence[str] | None = None) -> list[Row]:
        found = read_arrow(self.lake, table, columns, filters)
        return found.to_pylist() if found is not None else []

    def flows(self, alert: Row) -> list[Row]:
        ids = list(alert["flow_ids"] or ())
        return sorted(self.rows("abnormal_flows", [("flow_id", "in", ids)]), key=lambda row: row["flow_id"]) if ids else []

    def transactions(self, flow: Row, ids: Sequence[str]) -> list[Row]:
        """Rows behind a flow, or netted beside it, as they were when it was found, in base currency, largest first."""
        versions = self.rows("transactions", [("transaction_id", "in", list(ids))]) if ids else []
        found = [row for row in versions if stood(row, flow["detected_on"])]
        for row in found:
            row["amount_base"] = self._in_base_currency(row, flow["detected_on"])
        return sorted(found, key=lambda row: (-row["amount_base"], row["transaction_id"]))

    def _in_base_currency(self, row: Row, known_by: date) -> Decimal:
        if row["currency"] == self.settings.bank.base_currency:
            return row["amount"]
        rates = self.rows("fx_rates", [("currency", "=", row["currency"]), ("rate_date", "<=", row["business_date"]),
                                       ("recorded_on", "<=", known_by)])  # fmt: skip
        if not rates:
            raise KehuError(
                f"no rate of {row['currency']} to {self.settings.bank.base_currency} is known; "
                "give the configuration the lake was run with (--conf DIR)", ExitCode.CONFIGURATION)  # fmt: skip
        newest = max(rates, key=lambda rate: (rate["rate_date"], rate["recorded_on"]))
        return (row["amount"] * newest["rate"]).quantize(CENT, ROUND_HALF_UP)

    def baseline(self, flow: Row) -> list[Row]:
        """Counts of the customer's own flows on the last day looked at before the flow was found: what it was judged by."""
        import pyarrow.compute as pc

        looked = read_arrow(self.lake, "daily_flows", ["recorded_on"], [("recorded_on", "<", flow["detected_on"])])
        if looked is None or not looked.num_rows:
            return []
        of_series = [("customer_id", "=", flow["customer_id"]), ("direction", "=", DIRECTION[flow["kind"]]),
                     ("window_days", "=", flow["window_days"]), ("as_of", "=", pc.max(looked["recorded_on"]).as_py())]  # fmt: skip
        return [each | {"as_of": row["as_of"]} for row in self.rows("flow_baselines", of_series) for each in row["bins"] or ()]

    def settlement(self, flow: Row) -> Row | None:
        """Where a broken deposit's money went after it was told."""
        return next(iter(self.rows("deposit_settlements", [("flow_id", "=", flow["flow_id"])])), None)

    def run(self, run_id: str) -> Row | None:
        runs = self.rows("runs", [("run_id", "=", run_id), ("status", "=", "done")])
        return max(runs, key=lambda row: row["ended_at"], default=None)

    def history(self, alert_id: str) -> list[Row]:
        """Every state the alert was in, from the table's change feed; as far back as it is kept."""
        wanted = ("status", "suppressed_by", "priority", "change", "run_id", "_change_type", "_commit_version")
        return [{name: row[name] for name in wanted} for row in changes(self.lake / "alerts") if row["alert_id"] == alert_id]


def _told(behind: _Behind, alert: Row) -> Iterator[str]:
    flows = behind.flows(alert)
    checks: list[str] = []
    yield from _head(alert)
    for flow in flows:
        yield from _flow(behind, flow, checks)
    missing = sorted(set(alert["flow_ids"] or ()) - {flow["flow_id"] for flow in flows})
    checks += [f"flow {flow_id} is no longer found" for flow_id in missing]
    if alert["type"] == "life_event":
        yield from _life_event(behind, alert)
    yield from _offers(behind, alert, checks)
    yield from _run(behind, alert)
    yield from _history(behind, alert)
    yield ""
    yield "Recomputed: the same" if not checks else "Recomputed: different"
    yield from (f"  {check}" for check in checks)


def _head(alert: Row) -> Iterator[str]:
    held = f", held back by rule: {alert['suppressed_by']}" if alert["suppressed_by"] else ""
    yield f"{alert['alert_id']}  {alert['type']}  {alert['status']}{held}"
    yield f"{alert['headline']}"
    yield ""
    yield alert["reason"]
    if alert["change"]:
        yield alert["change"]
    yield ""
    yield f"Customer {alert['customer_id']}, book of {alert['relationship_manager_id'] or 'the branch'}"
    yield (f"Raised {told_day(alert['raised_on'], 'en')}, last day {told_day(alert['expires_on'] - timedelta(days=1), 'en')}, "
           f"priority {alert['priority']}, severity {alert['severity']}")  # fmt: skip


def _flow(behind: _Behind, flow: Row, checks: list[str]) -> Iterator[str]:
    """One abnormal flow: its rows, its baseline, and whether both still say the same."""
    rows = behind.transactions(flow, flow["transaction_ids"] or ())
    netted = behind.transactions(flow, flow["netted_ids"] or ())
    yield ""
    yield (f"{flow['kind']} of {money(flow['amount'])} {behind.settings.bank.base_currency}, {told_day(flow['business_date'], 'en')}, "
           f"over {flow['window_days']} day(s), found {told_day(flow['detected_on'], 'en')}  (flow {flow['flow_id']})")  # fmt: skip
    for role, row in (*(("counted", row) for row in rows), *(("netted ", row) for row in netted)):
        yield (f"  {role}  {row['business_date']}  {row['amount_base']:>16,.2f}  {row['direction']:6}  {row['type']:12}  {row['channel']:8}"
               f"  {row['account_id']}  {row['transaction_id']}  {row['source_file']}")  # fmt: skip
    since = behind.settlement(flow)
    if since:
        yield f"  {since['went'].replace('_', ' ')} by {since['settled_on']}: {money(since['amount'])}, {', '.join(since['refs'])}"
    lost = set(flow["transaction_ids"] or ()) - {row["transaction_id"] for row in rows}
    if lost:
        checks.append(f"flow {flow['flow_id']}: {len(lost)} of its transactions are no longer there")
    total = sum((row["amount_base"] for row in rows), Decimal(0))
    if rows and not lost and total != flow["amount"] and flow["kind"] != "income_ended":  # whose amount is the usual one
        checks.append(f"flow {flow['flow_id']}: its rows add up to {total:,.2f}, told was {flow['amount']:,.2f}")
    if flow["kind"] in DIRECTION and flow["return_period_years"] is not None:
        yield from _baseline(behind, flow, checks)


def _baseline(behind: _Behind, flow: Row, checks: list[str]) -> Iterator[str]:
    settings = behind.settings.flows
    yield (f"  usual {money(flow['usual_amount'])}; once in {flow['return_period_years']:,.1f} years; "
           f"p {_shown(flow['p_value'])}, q {_shown(flow['q_value'])}; chance of news {_shown(flow['chance'])}")  # fmt: skip
    counts = behind.baseline(flow)
    if not counts:
        yield ("  (no own flows before; judged by its peers alone)" if flow["observations"] == 0 else
               "  (the baseline it was judged by is not stored: of before the first run, or no longer kept)")  # fmt: skip
        return
    n = sum(row["count"] for row in counts)
    yield (f"  own baseline of {counts[0]['as_of']}: {n} flows, median {_median(counts, settings.bin_ratio):,.0f}; "
           f"peers {flow['peer_group']}, weight {flow['peer_weight']:.0%}")  # fmt: skip
    if n != flow["observations"]:
        checks.append(f"flow {flow['flow_id']}: the baseline holds {n} own flows, told were {flow['observations']}")


def _median(counts: Sequence[Row], ratio: float) -> float:
    """As `features.baselines.quartiles`: linear within the bin, on the log scale."""
    wanted, below = sum(row["count"] for row in counts) / 2, 0
    for row in counts:
        if below + row["count"] >= wanted:
            return math.exp((row["bin"] + (wanted - below) / row["count"]) * math.log(ratio))
        below += row["count"]
    return math.nan


def _life_event(behind: _Behind, alert: Row) -> Iterator[str]:
    found = behind.rows("life_events", [("customer_id", "=", alert["customer_id"]), ("as_of", "=", alert["raised_on"])])
    yield ""
    yield "Inferred with the customer's consent. For auditors: never to be told to the customer or to the relationship manager."
    for event in found:
        yield f"  {event['event']}, probability {event['probability']:.2f}, stage {event['stage'] or 'not known'}"
        if event.get("child_age_months") is not None:
            yield f"    {child_age(behind.settings, event)}"
        for item in event["evidence"] or ():
            days = f"{item['days']} day(s), last {item['last_on']}"
            yield f"    {item['category']}: {days}, log-odds {item['log_odds']:+.2f}  {item['note'] or ''}"


def child_age(settings: Settings, event: Row) -> str:
    """The youngest child's probable age, of a row of `life_events` that has one."""
    span = f"{event['child_age_from_months']:.0f} to {event['child_age_to_months']:.0f}"
    child = settings.life_events[event["event"]].child if event["event"] in settings.life_events else None
    sure = f" with a probability of {child.interval:.0%}" if child else ""
    return f"child probably {event['child_age_months']:.0f} months old, {span}{sure}"


def _offers(behind: _Behind, alert: Row, checks: list[str]) -> Iterator[str]:
    """What is offered, against the scores of the day the alert was written, and what the first offer's model saw."""
    if not alert["offers"]:
        return
    day = alert["changed_on"]
    scores: dict[str, Row] = {}
    for of_day in (alert["raised_on"], day):  # an alert that grew got the offers of that day
        filters = [("customer_id", "=", alert["customer_id"]), ("as_of", "=", of_day)]
        scores |= {row["offer_id"]: row for row in behind.rows("offer_scores", filters)}
    yield ""
    for offer in alert["offers"]:
        score = scores.get(offer["offer_id"])
        yield f"offer {offer['offer_id']}: probability {offer['probability']:.4f}, expected value {offer['expected_value']:,.2f}"
        yield f"  {offer['reason']}"
        if score is None:
            checks.append(f"offer {offer['offer_id']}: its score is no longer kept")
        elif (score["probability"], score["expected_value"]) != (offer["probability"], offer["expected_value"]):
            told = f"{score['probability']:.4f} and {score['expected_value']:,.2f}"
            checks.append(f"offer {offer['offer_id']}: scored {told} when read again")
    yield from _model_inputs(behind, alert)


def _model_inputs(behind: _Behind, alert: Row) -> Iterator[str]:
    models = behind.rows("models", [("model_version", "=", alert["model_version"])]) if alert["model_version"] else []
    features = behind.rows("customer_features", [("customer_id", "=", alert["customer_id"]), ("as_of", "=", alert["raised_on"])])
    if not models:
        return
    yield f"model {alert['model_version']} ({models[0]['kind']}, trained as of {models[0]['as_of']}), its inputs:"
    for name in models[0]["feature_list"] or ():
        yield f"  {name} = {_shown(features[0].get(name)) if features else 'no longer kept'}"


def _run(behind: _Behind, alert: Row) -> Iterator[str]:
    run = behind.run(alert["run_id"])
    yield ""
    yield f"Last written by run {alert['run_id']} for {alert['changed_on']}"
    if run is None:
        return
    same = "as now" if run["conf_hash"] == conf_hash(behind.settings) else "changed since"
    yield f"  code {run['code_version']}, configuration {run['conf_hash']} ({same})"
    versions = dict(run["table_versions"] or ())
    yield "  tables afterwards: " + ", ".join(f"{table} {version}" for table, version in sorted(versions.items()))


def _history(behind: _Behind, alert: Row) -> Iterator[str]:
    yield ""
    yield "History"
    found = behind.history(alert["alert_id"])
    if not found or found[0]["_change_type"] != "insert":
        yield "  (what was before is no longer kept)"
    for row in found:
        rule = f" ({row['suppressed_by']})" if row["suppressed_by"] else ""
        change = f"  {row['change']}" if row["change"] else ""
        yield f"  version {row['_commit_version']}: {row['status']}{rule}, priority {row['priority']}, run {row['run_id']}{change}"


def _shown(value: Any) -> str:
    if value is None:
        return "not known"
    return f"{value:,.4g}" if isinstance(value, float) else f"{value}"


if __name__ == "__main__":
    from jobs.cli import main

    main("explain")
