"""What a feed promises, declared once: its columns, what makes a row right, and how it repeats itself."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum


class Kind(StrEnum):
    """How a column's text is read."""

    ID = "id"
    TEXT = "text"
    MONEY = "money"
    NUMBER = "number"
    INTEGER = "integer"
    DATE = "date"
    TIME = "time"
    ENUM = "enum"
    CURRENCY = "currency"
    BOOLEAN = "boolean"


TYPES = {
    Kind.ID: "string", Kind.TEXT: "string", Kind.MONEY: "decimal(18,2)", Kind.INTEGER: "int", Kind.DATE: "date",
    Kind.TIME: "timestamp", Kind.ENUM: "string", Kind.CURRENCY: "string", Kind.BOOLEAN: "boolean",
}


class Sign(StrEnum):
    """What an amount may be."""

    ANY = "any"
    POSITIVE = "positive"
    NOT_NEGATIVE = "not negative"


class Repeats(StrEnum):
    """What a second row with the same key is."""

    EVENT = "event"  # the same event told again, or a contradiction
    CORRECTION = "correction"  # an event whose `version` is higher takes the place of the one before
    VERSION = "version"  # a newer version of it: a new row
    HISTORY = "history"  # a version that ends the one before it: customers and accounts


@dataclass(frozen=True)
class Field:
    """One column of a feed.

    Attributes
    ----------
    name : str
    kind : Kind
    required : bool
        Neither missing in the file nor empty in a row.
    values : tuple of str
        Of an enumeration.
    sign : Sign
        Of money and numbers.
    type : str
        Spark type, where the kind does not say it: numbers.
    empty : bool, optional
        What an empty boolean says.
    free : bool
        Text anybody may have typed anything into: card numbers in it are masked.
    """

    name: str
    kind: Kind
    required: bool = False
    values: tuple[str, ...] = ()
    sign: Sign = Sign.ANY
    type: str = ""
    empty: bool | None = None
    free: bool = False

    @property
    def spark_type(self) -> str:
        return self.type or TYPES[self.kind]


VERSION = Field("version", Kind.INTEGER, required=True)


@dataclass(frozen=True)
class Rule:
    """A rule beyond a column's own: what must not be true of the typed row.

    `broken` is SQL over the canonical columns and `_drop`, the date of the drop.
    """

    name: str
    column: str
    broken: str


@dataclass(frozen=True)
class Contract:
    """One feed.

    Attributes
    ----------
    feed : str
    key : tuple of str
    fields : tuple of Field
    happened : str
        The column that says when: its date in the bank's zone is the business date.
    repeats : Repeats
    refers_to : (column, feed), optional
        The customer or account that must be known first.
    has_horizon : bool
        Whether a row can come too late. Versions of old facts cannot.
    may_lie_ahead : bool
        Whether a row may begin after its drop.
    rules : tuple of Rule
    """

    feed: str
    key: tuple[str, ...]
    fields: tuple[Field, ...]
    happened: str
    repeats: Repeats = Repeats.EVENT
    refers_to: tuple[str, str] | None = None
    has_horizon: bool = True
    may_lie_ahead: bool = False
    rules: tuple[Rule, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(field.name for field in self.fields)

    @property
    def of_events(self) -> bool:
        """Whether a row tells what happened once, and no state that may be told again."""
        return self.repeats in (Repeats.EVENT, Repeats.CORRECTION)

    @property
    def corrected(self) -> Contract:
        """The same feed of events that are corrected by number."""
        return replace(self, fields=(*self.fields, VERSION), repeats=Repeats.CORRECTION)

    @property
    def required(self) -> frozenset[str]:
        return frozenset(field.name for field in self.fields if field.required)

    def of_kind(self, *kinds: Kind) -> frozenset[str]:
        """Names of the columns of some kinds."""
        return frozenset(field.name for field in self.fields if field.kind in kinds)

    @property
    def amount(self) -> str | None:
        """The column whose sum by currency must balance, for feeds that have one."""
        return "amount" if {"amount", "currency"} <= set(self.names) else None
