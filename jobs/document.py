"""Documents every table from its declaration: `python -m jobs.document > docs/tables.md`."""

from __future__ import annotations

from collections.abc import Iterator

from jobs.context import declared
from tables import Column, Personal, Table

PERSONAL = {Personal.NONE: "", Personal.PSEUDONYM: "leads to a person", Personal.PERSONAL: "personal",
            Personal.SENSITIVE: "sensitive", Personal.INFERRED: "inferred"}


def tables_page() -> str:
    """The page `docs/tables.md`."""
    return "\n".join(_page()) + "\n"


def _page() -> Iterator[str]:
    yield "# Tables"
    yield ""
    yield "Written by `make docs` from the declarations in `tables/` and the feature catalogue; a test holds it to them."
    yield "Every table is a Delta table at `LAKE/<table>` that Spark and delta-rs read alike:"
    yield ""
    yield "```python"
    yield "from deltalake import DeltaTable"
    yield 'DeltaTable("demo/lake/alerts").to_pandas()'
    yield "```"
    tables = declared()
    yield ""
    yield "| table | one row is | key |"
    yield "|---|---|---|"
    for table in tables.values():
        yield f"| [`{table.name}`](#{table.name}) | {table.comment.removeprefix('one row is ')} | {_names(table.key)} |"
    for table in tables.values():
        yield from _table(table)


def _table(table: Table) -> Iterator[str]:
    yield ""
    yield f"## {table.name}"
    yield f"{table.comment[0].upper()}{table.comment[1:]}."
    layout = [f"Key: {_names(table.key)}"]
    if table.partition_by:
        layout.append(f"partitioned by {_names(table.partition_by)}")
    if table.sort_by:
        layout.append(f"rows of a commit sorted by {_names(table.sort_by)}")
    layout += [f"always `{check}`" for check in table.checks.values()]
    if table.change_feed:
        layout.append("with a change data feed")
    yield f"{'; '.join(layout)}."
    yield ""
    yield "| column | type | meaning | personal data |"
    yield "|---|---|---|---|"
    for column in table.columns:
        yield f"| `{column.name}` | {_type(column)} | {column.comment.replace('|', chr(92) + '|')} | {PERSONAL[column.personal]} |"


def _names(columns: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in columns)


def _type(column: Column) -> str:
    return column.type.lower().replace("<", "&lt;").replace(">", "&gt;")


if __name__ == "__main__":
    print(tables_page(), end="")
