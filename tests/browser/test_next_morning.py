"""From one morning to the next: what is recorded on the page comes back, and the next day's page knows it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession

from conf import Settings
from jobs import alert, export
from jobs.context import Job, Places
from jobs.outcomes import take
from tests.literal_worklist import an_id
from tests.small_lake import laid_down

D = date(2026, 6, 15)
NAMES = ("Ann", "Ben", "Cho", "Dai")


def test_the_next_days_page_reflects_what_was_recorded(
    spark: SparkSession, settings: Settings, places: Places, chromium: Any, tmp_path: Path
) -> None:
    job = Job(settings, places, spark, D, "export")
    ids = {name: an_id(f"23456789AB{letter}C") for name, letter in zip(NAMES, "WXYZ", strict=True)}
    laid_down(job, "customers", [
        {"customer_id": name, "full_name": name, "relationship_manager_id": "RM1", "joined_on": D, "marketing_consent": True,
         "valid_from": D, "recorded_on": D, "is_current": True} for name in NAMES])
    laid_down(job, "alerts", [
        {"alert_id": ids[name], "customer_id": name, "relationship_manager_id": "RM1", "type": "abnormal_withdrawal", "raised_on": D,
         "expires_on": D + timedelta(days=7), "priority": 90 - 10 * n, "severity": "medium", "headline": "60,000 went out",
         "reason": "Because.", "evidence": [("flow", "F", D, Decimal(60_000), "withdrawal")], "offers": [], "status": "open",
         "control_group": False, "matter": f"flows|{n}", "flow_ids": [f"F{n}"], "changed_on": D, "run_id": "alert-1"}
        for n, name in enumerate(NAMES)])
    export.run(job)

    with chromium.new_context(accept_downloads=True) as context:
        page = context.new_page()
        page.goto(_page(job).as_uri())
        for name, answer in (("Ann", "Accepted"), ("Ben", "Later"), ("Cho", "Not reached")):
            form = page.locator(f"form.record[data-alert='{ids[name]}']")
            page.get_by_role("link", name=name).press("Enter")
            form.get_by_role("radio", name=answer).check()
            if answer == "Later":
                form.get_by_label("Not before").fill((D + timedelta(days=10)).isoformat())
                page.keyboard.press("Tab")
        page.locator(".progress", has_text="3 of 4 recorded").wait_for()
        with page.expect_download() as saved:
            page.click("#save")
        saved.value.save_as(tmp_path / "back.csv")

        assert take(replace(job, name="outcomes"), [str(tmp_path / "back.csv")])["rows_out"] == 3
        tomorrow = replace(job, day=D + timedelta(days=1), name="alert")
        alert.run(tomorrow)
        export.run(tomorrow.named("export"))

        page.goto(_page(tomorrow).as_uri())
        listed = page.locator(".calls li .name").all_inner_texts()
        assert listed == ["Cho", "Dai"]  # Ann has accepted, Ben is put off until his day
        assert "Not reached" in page.locator(".card", has_text="Cho").first.inner_text()


def _page(job: Job) -> Path:
    return job.worklists / job.day.isoformat() / "RM1.html"
