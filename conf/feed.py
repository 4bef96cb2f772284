"""How a bank's file of one feed looks: everything needed to read it as the canonical columns."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from conf.model import Model, Share, Zone

OwnZone = Annotated[Zone | None, BeforeValidator(lambda name: name or None)]


class Quarantine(Model):
    """How many refused rows make the whole file suspect: both limits must be passed for the file to be refused."""

    max_share: float = Field(0.01, ge=0, le=1)
    max_rows: int = Field(1000, ge=0)


class Volume(Model):
    """Rows of a drop over what recent drops of the same feed held: beyond the inner limits a warning, beyond the outer
    ones the drop is refused."""

    warn_below: float = Field(0.5, ge=0)
    warn_above: float = Field(2.0, ge=1)
    refuse_below: float = Field(0.02, ge=0)
    refuse_above: float = Field(50.0, ge=1)
    min_usual_rows: int = Field(200, ge=0)  # feeds that are usually smaller are not judged by volume
    min_drops: int = Field(5, ge=1)  # nor those with fewer drops to compare with


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
    time_zone: OwnZone = None  # of times written without a zone; the bank's zone when empty
    delivery: Literal["delta", "snapshot"] = "delta"  # customers and accounts only
    corrections: bool = False  # transactions and purchases only: column `version` counts what was told of one event; the highest stands
    max_snapshot_shrink: float = Field(0.3, ge=0, le=1)  # a snapshot smaller by more than this share is refused
    control_file: Literal["optional", "required"] = "optional"
    extra_columns: Literal["ignore", "refuse"] = "ignore"
    settle_seconds: int = Field(0, ge=0)  # a file changed within these is still being written: taken by a later run
    late_horizon_days: int = Field(30, ge=0)  # from a feed's second drop on, older events are refused
    quarantine: Quarantine = Quarantine()
    volume: Volume = Volume()
    max_empty_share: dict[str, Share] = {}  # column -> share of empty values from which a drop is told as suspicious

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, name: str) -> str:
        import codecs

        try:
            return codecs.lookup(name).name
        except LookupError:
            raise ValueError(f"unknown encoding {name!r}") from None

    @field_validator("date_formats")
    @classmethod
    def _numeric_dates(cls, formats: tuple[str, ...]) -> tuple[str, ...]:
        for written in formats:
            if sorted(re.findall("[A-Za-z]+", written)) not in (["MM", "dd", "yyyy"], ["yyyyMMdd"], ["ddMMyyyy"], ["MMddyyyy"]):
                raise ValueError(f"date format {written!r}: write it with yyyy, MM and dd, each once")
        return formats

    @model_validator(mode="after")
    def _unambiguous(self) -> Feed:
        if self.delimiter == self.quote:
            raise ValueError("delimiter and quote are the same character")
        if self.thousands_separator == self.decimal_mark:
            raise ValueError("decimal_mark and thousands_separator are the same character")
        return self
