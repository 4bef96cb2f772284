"""An alert can be recomputed later: its flows, detected again after days have passed, come out as they are stored."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from pyspark.sql import functions as F

from conf import KehuError, Settings
from jobs import alert, detect, ingest
from jobs.context import Job, Places, opened, recorded
from jobs.ledger import last_day
from jobs.redetect import redetected
from tables import TABLES
from tables.arrow import read_arrow


@pytest.fixture
def lived(small_bank: Places, settings: Settings, tmp_path: Path) -> Iterator[Job]:
    """A copy of the small bank a day later, on which somebody moved two million more."""
    for name in ("lake", "landing"):
        shutil.copytree(getattr(small_bank, name), tmp_path / name)
    places = replace(small_bank, lake=tmp_path / "lake", landing=tmp_path / "landing")
    (planted,) = (places.landing / "transactions").glob("*/planted.csv")
    then, day = planted.parent.name.removeprefix("dt="), last_day(places.lake) + timedelta(days=1)
    later = places.landing / "transactions" / f"dt={day}" / "planted.csv"
    later.write_text(planted.read_text().replace("PLANTED", "AGAIN").replace(then, str(day)))
    with opened(settings, places, day, "run") as job:
        for name, work in (("ingest", ingest.run), ("detect", detect.run), ("alert", alert.run)):
            recorded(job.named(name), work)
        yield job


def test_every_number_of_a_flow_comes_out_again_days_later_and_one_that_was_changed_is_named(
    lived: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    again: dict[date, detect.Detected] = {}

    def once(job: Job) -> detect.Detected:  # a day for all its alerts, not again for each
        if job.day not in again:
            found = detect.detected(job)
            again[job.day] = replace(found, abnormal=found.abnormal.localCheckpoint())
        return again[job.day]

    monkeypatch.setattr("jobs.redetect.detected", once)
    flows = read_arrow(lived.places.lake, "abnormal_flows", ["flow_id", "detected_on", "peer_weight"]).to_pylist()
    judged = {row["flow_id"]: row["detected_on"] for row in flows if row["peer_weight"] is not None}
    alerts = read_arrow(lived.places.lake, "alerts", ["alert_id", "flow_ids"]).to_pylist()
    behind = {row["alert_id"]: {judged[flow] for flow in row["flow_ids"] or () if flow in judged} for row in alerts}
    days = {day for days in behind.values() for day in days}
    assert lived.day in days
    assert min(days) < lived.day
    told = [line for name in behind if behind[name] for line in redetected(lived, name.lower())["detected_again"]]
    columns = len(TABLES["abnormal_flows"].columns) - 1  # but the run that wrote it
    assert all(f"the same in all {columns} columns" in line for line in told), told

    again.clear()
    lived.lake.update("abnormal_flows", F.col("peer_weight").isNotNull(), {"peer_weight": F.lit(0.123), "q_value": F.lit(0.001)})
    of_today = next(name for name in behind if lived.day in behind[name])
    changed = next(line for line in redetected(lived, of_today)["detected_again"] if "the same" not in line)
    assert "peer_weight is 0.123, comes out as" in changed
    assert "q_value is 0.001" in changed
    assert changed.count("comes out as") == 2, "nothing else differs"

    lived.lake.delete("flow_baselines", F.col("as_of") < F.lit(lived.day))
    assert any("no longer kept" in line for line in redetected(lived, of_today)["detected_again"])
    with pytest.raises(KehuError, match="no alert id"):
        redetected(lived, f"{of_today[:-1]}?")  # its check character is mistyped
