"""Export: each relationship manager's worklist of the day as XLSX, CSV and a page, all published at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import pyspark.sql.functions as F
from pyspark.sql import DataFrame

from conf import ExitCode, KehuError
from features.as_of import known, latest_known_by, version_as_of
from features.flows import latest_known
from jobs.context import Counts, Job
from jobs.published import file_stem, publish
from tables import TABLES
from worklists.csv_file import worklist_csv
from worklists.customer_facts import last_contacts, monthly_flows, open_accounts
from worklists.page import worklist_page
from worklists.selection import listed, on_the_lists
from worklists.worklist import Facts, Row, Worklist, customer_pictures, first_month, worklists
from worklists.xlsx import worklist_xlsx

RENDERED = {".xlsx": worklist_xlsx, ".csv": worklist_csv, ".html": worklist_page}


def run(job: Job) -> Counts:
    """Write `WORKLISTS/<day>/` with three files for everybody who has somebody to call; a day without alerts is a success."""
    settings, day = job.settings, job.day
    alerts = job.lake.read("alerts")
    chosen = on_the_lists(alerts, day, settings.worklists).persist()
    rows = _rows(chosen)
    pictures = customer_pictures(customer_facts(job, chosen.select("customer_id").distinct()), day) if rows else {}
    chosen.unpersist()
    lists = worklists(_with_known_customers(rows, pictures), pictures, day, settings.worklists.calls_per_day)
    counts = _checked(lists, alerts.where(listed(day)).count())
    files = {f"{file_stem(each.holder)}{ending}": render(each, settings) for each in lists for ending, render in RENDERED.items()}
    publish(job.worklists / day.isoformat(), files, _told(job, lists, counts))
    return {"rows_in": counts["alerts"], "rows_out": counts["calls"], "worklists": len(lists), "files": len(files),
            "below_line": counts["below_line"], "waiting": counts["waiting"], "to_open": str(job.worklists / day.isoformat())}


def customer_facts(job: Job, customers: DataFrame) -> Facts:
    """Everything told about the customers of the day's lists, as known on the day: bounded by the lists' length."""
    lake, day = job.lake, job.day
    few = F.broadcast(customers)

    def of(table: str) -> DataFrame:
        return lake.read(table).join(few, "customer_id", "left_semi")

    accounts = version_as_of(of("accounts"), "account_id", day).persist()
    transactions = known(lake.read("transactions"), day).join(F.broadcast(accounts.select("account_id")), "account_id", "left_semi")
    holdings = latest_known_by(of("holdings"), TABLES["holdings"].key, day)
    held = holdings.where(F.col("closed_on").isNull() | (F.col("closed_on") > F.lit(day)))
    restrictions = latest_known_by(of("restrictions"), TABLES["restrictions"].key, day)
    in_force = restrictions.where(
        (F.col("valid_from") <= F.lit(day)) & (F.col("valid_to").isNull() | (F.col("valid_to") >= F.lit(day)))
    )
    features = of("customer_features").where(F.col("as_of") == F.lit(day))
    facts = Facts(
        customers=_rows(version_as_of(of("customers"), "customer_id", day)),
        accounts=_rows(open_accounts(accounts, transactions)),
        holdings=_rows(held.select("customer_id", "product_id", "acquired_on", "value")),
        months=_rows(monthly_flows(latest_known(of("daily_flows").where(F.col("business_date") >= F.lit(first_month(day))), day), day)),
        abnormal=_rows(
            of("abnormal_flows")
            .where((F.col("detected_on") <= F.lit(day)) & (F.col("business_date") >= F.lit(first_month(day))))
            .select("customer_id", "flow_id", "kind", "business_date", "amount")
        ),
        contacts=_rows(last_contacts(of("alerts"), known(lake.read("outcomes"), day))),
        segments=_rows(of("segments").where(F.col("as_of") == F.lit(day))),
        assets=_rows(features.select("customer_id", "assets", F.col("deposits_balance").alias("deposits"))),
        restricted=_rows(in_force.select("customer_id").distinct()),
    )
    accounts.unpersist()
    return facts


def _rows(frame: DataFrame) -> list[dict[str, Any]]:
    """A bounded selection as plain rows."""
    return [row.asDict(recursive=True) for row in frame.collect()]


def _with_known_customers(rows: Sequence[Row], pictures: Iterable[str]) -> list[Row]:
    known_ids = set(pictures)
    unknown = sum(row["customer_id"] not in known_ids for row in rows)
    if unknown:
        raise KehuError(f"{unknown} alert(s) of customers that `customers` does not hold; run `kehu doctor`", ExitCode.CHECK_FAILED)
    return list(rows)


def _checked(lists: Sequence[Worklist], in_table: int) -> dict[str, int]:
    """Counts of what is about to be published, which must agree with the table.

    Raises
    ------
    KehuError
        CHECK_FAILED when an alert of the table would be on no list, or on two.
    """
    calls = [call.alert_id for each in lists for call in each.calls]
    waiting = sum(each.waiting for each in lists)
    if len(calls) + waiting != in_table or len(set(calls)) != len(calls):
        raise KehuError(
            f"{in_table} alerts are to be listed, the worklists hold {len(set(calls))} and {waiting} wait; nothing was published",
            ExitCode.CHECK_FAILED,
        )
    below = sum(len(each.below) for each in lists)
    return {"alerts": in_table, "calls": len(calls), "above_line": len(calls) - below, "below_line": below, "waiting": waiting}


def _told(job: Job, lists: Sequence[Worklist], counts: dict[str, int]) -> dict[str, Any]:
    return {
        "business_date": job.day.isoformat(),
        "run_id": job.run_id,
        "counts": counts,
        "worklists": [
            {"holder": each.holder, "file": file_stem(each.holder), "above_line": len(each.above), "below_line": len(each.below),
             "waiting": each.waiting}
            for each in lists
        ],
    }


if __name__ == "__main__":
    from jobs.cli import main

    main("export")
