"""Maintenance changes no row that is kept, and drops exactly what retention no longer asks for."""

from __future__ import annotations

from datetime import date, timedelta

from jobs.context import Job
from jobs.maintain import maintained, superfluous


def test_old_snapshots_are_thinned_to_month_ends_and_then_dropped():
    today = date(2024, 12, 31)
    days = [today - timedelta(days=n) for n in range(800)]
    gone = superfluous(days, today, daily_days=31, monthly_months=12)
    kept = sorted(set(days) - set(gone))
    assert kept[-32:] == [today - timedelta(days=n) for n in range(31, -1, -1)]
    older = kept[:-32]
    assert all((day + timedelta(days=1)).day == 1 for day in older)
    assert min(kept) >= today - timedelta(days=12 * 31)
    assert superfluous([date(2024, 1, 15)], today, 31, 12) == [], "a month's last snapshot stays, whatever its day"


def test_tables_hold_the_same_rows_in_fewer_files(spark, settings, places):
    job = Job(settings, places, spark, date(2024, 12, 31), "maintain")
    for day in (date(2024, 1, 1), date(2024, 1, 2), date(2024, 12, 31)):
        rows = job.lake.literal("life_events", [{"customer_id": "c", "as_of": day, "event": "new_parent"}])
        job.lake.replace("life_events", rows, {"as_of": day})
    for n in range(2):
        job.lake.merge("models", job.lake.literal("models", [{"offer_id": "gold", "version": n}]))
    for day in (date(2024, 12, 23), date(2024, 12, 24), date(2024, 12, 31)):
        job.lake.replace("flow_sums", job.lake.literal("flow_sums", [{"customer_id": "c", "as_of": day}]), {"as_of": day})
    said = maintained(job)
    assert said["snapshots_dropped"] == 2
    assert [row["as_of"].day for row in job.lake.read("flow_sums").orderBy("as_of").collect()] == [24, 31], "a week is carried on from"
    assert [row["as_of"] for row in job.lake.read("life_events").orderBy("as_of").collect()] == [date(2024, 1, 2), date(2024, 12, 31)]
    assert job.lake.read("models").count() == 2
    assert len(job.lake.read("models").inputFiles()) == 1
    assert job.lake.read("runs").select("job").collect()[0]["job"] == "maintain"
