"""How a bank's file of one feed looks: everything needed to read it as the canonical columns."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from conf.model import Model


class Quarantine(Model):
    """How many refused rows make the whole file suspect: both limits must be passed for the file to be refused."""

    max_share: float = Field(0.01, ge=0, le=1)
    max_rows: int = Field(1000, ge=0)


class Feed(Model):
    """The mapping from a bank's file to the canonical columns of one feed."""

    names: dict[str, str] = {}  # canonical column -> the bank's column; others are found under their own name
    values: dict[str, dict[str, str]] = {}  # column -> the bank's value -> canonical value
    delimiter: str = Field(",", min_length=1, max_length=1)
    quote: str = Field('"', min_length=1, max_length=1)
    escape: Literal["doubled", "backslash"] = "doubled"
    encoding: str = "utf-8"
    decimal_mark: Literal[".", ","] = "."
    thousands_separator: Literal["", ",", ".", " ", "'"] = ""
    date_formats: tuple[str, ...] = ("yyyy-MM-dd",)
    time_zone: str | None = None  # of times written without a zone; the bank's zone when empty
    delivery: Literal["delta", "snapshot"] = "delta"  # customers and accounts only
    max_snapshot_shrink: float = Field(0.3, ge=0, le=1)  # a snapshot smaller by more than this share is refused
    control_file: Literal["optional", "required"] = "optional"
    extra_columns: Literal["ignore", "refuse"] = "ignore"
    late_horizon_days: int = Field(30, ge=0)
    quarantine: Quarantine = Quarantine()

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, name: str) -> str:
        import codecs

        try:
            return codecs.lookup(name).name
        except LookupError:
            raise ValueError(f"unknown encoding {name!r}") from None
