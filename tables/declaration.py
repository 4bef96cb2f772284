"""What a table is: its columns, key, layout and promises, declared once; creates it, checks it and documents it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum


class Personal(StrEnum):
    """Class of personal data, from none to what privacy law protects most."""

    NONE = "none"
    PSEUDONYM = "pseudonym"  # an id that leads to a person
    PERSONAL = "personal"
    SENSITIVE = "sensitive"  # money, income, free text
    INFERRED = "inferred"  # drawn from conduct, needs consent


@dataclass(frozen=True)
class Column:
    """One column. `type` is Spark DDL."""

    name: str
    type: str
    comment: str
    personal: Personal = Personal.NONE


@dataclass(frozen=True)
class Table:
    """One Delta table of the lake."""

    name: str
    comment: str  # what one row is
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    partition_by: tuple[str, ...] = ()
    sort_by: tuple[str, ...] = ()  # rows of a commit lie in this order, so that file statistics prune
    checks: dict[str, str] = field(default_factory=dict)  # name -> SQL that holds for every row
    change_feed: bool = False

    @property
    def column_names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    @property
    def counted(self) -> tuple[str, ...]:
        """Columns whose least and greatest values stand in the log, which prunes files and is readable to anyone.

        What rows are looked for by: days, the file they came in, and what they lie in order of; nothing that tells about a person.
        """
        plain = [column for column in self.columns if column.personal in (Personal.NONE, Personal.PSEUDONYM)]
        asked = [column.name for column in plain if column.type == "DATE" or column.name in ("source_file", *self.sort_by)]
        return tuple(name for name in asked if name not in self.partition_by)

    @property
    def ddl(self) -> str:
        return ", ".join(f"`{column.name}` {column.type}" for column in self.columns)

    def with_columns(self, columns: tuple[Column, ...]) -> Table:
        """The same table with more columns (the feature catalogue extends `customer_features`)."""
        return replace(self, columns=self.columns + columns)
