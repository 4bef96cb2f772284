"""Every Delta table declared once, and the only code that reads, writes, locks, repairs or erases one."""

from tables.declaration import Column, Personal, Table
from tables.events import EVENTS
from tables.insights import INSIGHTS
from tables.ledger import LEDGER

TABLES: dict[str, Table] = {table.name: table for table in (*EVENTS, *LEDGER, *INSIGHTS)}

__all__ = ["TABLES", "Column", "Lake", "Personal", "Table"]


def __getattr__(name: str) -> object:
    """`Lake` is imported on first use: declarations are needed without Spark."""
    if name == "Lake":
        from tables.lake import Lake

        return Lake
    raise AttributeError(name)
