"""What happened to every file, row and run."""

from __future__ import annotations

from tables.declaration import Column, Personal, Table
from tables.events import RUN

BUSINESS_DATE = Column("business_date", "DATE", "date of the drop")

QUARANTINE = Table(
    "quarantine",
    "one rejected row",
    (
        Column("feed", "STRING", "feed"),
        BUSINESS_DATE,
        Column("source_file", "STRING", "the file, below the landing root"),
        Column("line", "BIGINT", "line in the file, 1 is the first"),
        Column("raw", "STRING", "the line as it came", Personal.SENSITIVE),
        Column("rules", "ARRAY<STRING>", "every rule it broke"),
        Column("columns", "ARRAY<STRING>", "of each rule, the column it is about; empty when it is about the whole row"),
        Column("waits_for", "STRING", "the customer or account that was not known yet: taken again when it comes", Personal.PSEUDONYM),
        Column("fields", "MAP<STRING,STRING>", "what the row says, while it waits", Personal.SENSITIVE),
        RUN,
    ),
    key=("source_file", "line"),
    sort_by=("source_file", "line"),
)

FILES = Table(
    "files",
    "one file seen",
    (
        Column("feed", "STRING", "feed"),
        BUSINESS_DATE,
        Column("name", "STRING", "file name"),
        Column("source_file", "STRING", "path below the landing root"),
        Column("sha256", "STRING", "of the bytes as delivered"),
        Column("bytes", "BIGINT", "size as delivered"),
        Column("rows", "BIGINT", "data rows, header and blank lines not counted"),
        Column("accepted", "BIGINT", "rows that became events or versions"),
        Column("quarantined", "BIGINT", "rows in `quarantine`"),
        Column("duplicates", "BIGINT", "rows already known"),
        Column("status", "STRING", "accepted, rejected, duplicate"),
        Column("reason", "STRING", "why rejected"),
        RUN,
    ),
    key=("feed", "business_date", "name", "sha256"),
)

RUNS = Table(
    "runs",
    "one run of one job",
    (
        Column("run_id", "STRING", "job, date and content of the run's inputs"),
        Column("job", "STRING", "the command"),
        Column("business_date", "DATE", "the day it was run for"),
        Column("started_at", "TIMESTAMP", "wall clock, UTC"),
        Column("ended_at", "TIMESTAMP", "wall clock, UTC"),
        Column("status", "STRING", "done, failed, or missing: something it needs was not there, as models before the first training"),
        Column("rows_in", "BIGINT", "rows read"),
        Column("rows_out", "BIGINT", "rows written"),
        Column("counts", "MAP<STRING,BIGINT>", "what else the job counted"),
        Column("table_versions", "MAP<STRING,BIGINT>", "Delta version of every table when the run ended"),
        Column("code_version", "STRING", "version of Kehu"),
        Column("conf_hash", "STRING", "hash of the configuration, but for where and how large it runs"),
        Column("message", "STRING", "the error, in one line"),
    ),
    key=("run_id", "started_at"),
)

MODELS = Table(
    "models",
    "one registered model",
    (
        Column("model_version", "STRING", "offer and version"),
        Column("offer_id", "STRING", "the offer"),
        Column("version", "INT", "counts up per offer"),
        Column("as_of", "DATE", "trained with what was known on this day"),
        Column("kind", "STRING", "which candidate won"),
        Column("why", "STRING", "why that one, in words"),
        Column("artifact", "STRING", "where its bytes lie: below LAKE/_models, or a URI with a tracking server"),
        Column("sha256", "STRING", "of the artifact; checked before it is loaded"),
        Column("fingerprint", "STRING", "of training rows, configuration and code: an equal one needs no new version"),
        Column("alias", "STRING", "champion, challenger, previous or empty"),
        Column("metrics", "STRING", "JSON"),
        Column("gates", "STRING", "JSON: each gate and whether it passed"),
        Column("feature_list", "ARRAY<STRING>", "inputs in order"),
        RUN,
    ),
    key=("offer_id", "version"),
)

LEDGER = (QUARANTINE, FILES, RUNS, MODELS)
