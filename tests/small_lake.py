"""Tables written without Spark, as a run would leave them: signed commits, checksums beside the files, the ledger's rows."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import deltalake
import pyarrow as pa
from deltalake import CommitProperties, write_deltalake

from jobs.context import Job
from tables.checksums import lay_beside
from tables.durable import LOG, newest_version

AT, COUNTS = pa.timestamp("us", "UTC"), pa.map_(pa.string(), pa.int64())
SCHEMAS = {
    "daily_flows": pa.schema({"recorded_on": pa.date32(), "customer_id": pa.string()}),
    "files": pa.schema({
        "feed": pa.string(), "business_date": pa.date32(), "name": pa.string(), "accepted": pa.int64(), "quarantined": pa.int64(),
        "status": pa.string(),
    }),
    "models": pa.schema({
        "model_version": pa.string(), "offer_id": pa.string(), "version": pa.int32(), "as_of": pa.date32(), "kind": pa.string(),
        "artifact": pa.string(), "sha256": pa.string(), "alias": pa.string(),
    }),
    "portfolios": pa.schema({
        "business_date": pa.date32(), "candidates": pa.int64(), "chosen": pa.int64(), "value": pa.float64(), "bound": pa.float64(),
        "gap": pa.float64(), "prices": pa.map_(pa.string(), pa.float64()),
    }),
    "segments": pa.schema({"customer_id": pa.string()}),
    "runs": pa.schema({
        "run_id": pa.string(), "job": pa.string(), "business_date": pa.date32(), "started_at": AT, "ended_at": AT,
        "status": pa.string(), "rows_in": pa.int64(), "rows_out": pa.int64(), "counts": COUNTS, "table_versions": COUNTS,
        "code_version": pa.string(), "conf_hash": pa.string(), "message": pa.string(),
    }),
}


def write(table: Path, rows: list[dict[str, Any]], run_id: str | None = "detect-2024-01-01-test", **how: Any) -> None:
    """A commit as a run makes it, with the checksums that Spark would lay beside every file."""
    before = set(table.rglob("*"))
    schema = pa.schema(deltalake.DeltaTable(table).schema().to_arrow()) if table.exists() else SCHEMAS[table.name]
    signed = CommitProperties(custom_metadata={"userMetadata": run_id}) if run_id else None
    write_deltalake(table, pa.Table.from_pylist(rows, schema), commit_properties=signed, **{"mode": "append", **how})
    for file in set(table.rglob("*")) - before:
        if file.is_file():
            lay_beside(file)


def laid_down(job: Job, name: str, rows: list[dict[str, Any]]) -> None:
    """Rows of a declared table of a job's lake, written without Spark, which is slower at it."""
    write_deltalake(f"{job.lake.root}/{name}", job.lake.literal(name, rows).toArrow())


def record(lake: Path, day: date, **what: Any) -> None:
    """The ledger's row of a job's run for a day; `what` differs from a detect run that ended well."""
    versions = {table.name: newest_version(table) for table in lake.glob("*") if (table / LOG).is_dir()}
    at = datetime(2024, 2, day.day, tzinfo=UTC)
    write(lake / "runs", [{"run_id": f"detect-{day}", "job": "detect", "business_date": day, "started_at": at, "ended_at": at,
                           "status": "done", "rows_in": 0, "rows_out": 0, "table_versions": versions, **what}])
