"""What all configuration models share: frozen, unknown keys refused, and the kinds of values that several of them hold."""

from __future__ import annotations

import re
import warnings
from collections.abc import Hashable, Iterable
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import Annotated, TypeVar
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

Number = TypeVar("Number", int, float, Decimal)
Value = TypeVar("Value", bound=Hashable)
Wrong = tuple[tuple[str, ...], str]  # a key, from the outside in, and what is wrong with it

_PROPERTY = r"\\[pP]\{(?:L[ultmo]?|M[nce]?|N[dlo]?|P[cdseifo]?|S[mcko]?|Z[slp]?|Is(?:Han|Latin|Alphabetic|Digit|Punctuation))\}"
_IN_COMMON = re.compile(  # pieces of a pattern that mean the same in Java, which runs it, and in Python, which checks it
    rf"""(?:
        [^\\\[{{(]                                                  # a character
      | {_PROPERTY}                                                 # a class by name: known to Java only, so tried as \w
      | \\(?:[^UN0pP]|0[0-7])                                       # an escape
      | \[\^?\]?(?:[^\]\\\[&]|&(?!&)|{_PROPERTY}|\\(?:[^UN0-9bpP]|0[0-7]))*\]   # a class; Java reads a [ or && in it as another
      | \{{[0-9]{{1,9}}(?:,[0-9]{{0,9}})?\}}                        # a repetition
      | \((?!\?) | \(\?(?:[:=!>]|<[=!]|[imsux]*(?:-[imsx]+)?[:)])   # a group
    )*+""",
    re.VERBOSE | re.DOTALL,
)


class Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


def refusal(wrong: Iterable[Wrong]) -> ValidationError:
    """What a check of several values together found, as pydantic tells what it finds in one."""
    return ValidationError.from_exception_data("configuration", [
        InitErrorDetails(type=PydanticCustomError("wrong", "{why}", {"why": why}), loc=key, input=None) for key, why in wrong
    ])  # fmt: skip


def _compiles(pattern: str) -> str:
    try:
        with warnings.catch_warnings(action="ignore"):  # of what Python may read otherwise some day: Java runs it
            re.compile(re.sub(_PROPERTY, r"\\w", pattern))
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"not a regular expression: {error}") from None
    common = _IN_COMMON.match(pattern)
    at = common.end() if common else 0
    if at < len(pattern):
        raise ValueError(f"not a regular expression that Java and Python read alike, from {pattern[at:at + 12]!r} on")
    return pattern


def _known_zone(name: str) -> str:
    try:
        return ZoneInfo(name).key
    except (KeyError, ValueError, OSError):
        raise ValueError(f"unknown time zone {name!r}") from None


def _ascend(cuts: tuple[Number, ...]) -> tuple[Number, ...]:
    if any(low >= high for low, high in pairwise(cuts)):
        raise ValueError("cut points must ascend")
    return cuts


def _each_once(values: tuple[Value, ...]) -> tuple[Value, ...]:
    if len(set(values)) < len(values):
        raise ValueError("named twice")
    return values


def _is_holiday(written: str) -> str:
    try:
        if not re.fullmatch("([0-9]{4}-)?[0-9]{2}-[0-9]{2}", written):
            raise ValueError
        date.fromisoformat(written if len(written) == len("YYYY-MM-DD") else f"2000-{written}")  # 2000 had a 29 February
    except ValueError:
        raise ValueError(f"{written!r} is no date: write it as MM-DD or YYYY-MM-DD") from None
    return written


Pattern = Annotated[str, AfterValidator(_compiles)]  # a regular expression, searched for: what Java and Python have in common
Zone = Annotated[str, AfterValidator(_known_zone)]
Share = Annotated[float, Field(ge=0, le=1)]
Cuts = Annotated[tuple[Number, ...], AfterValidator(_ascend)]
Once = Annotated[tuple[Value, ...], AfterValidator(_each_once)]
Holiday = Annotated[str, AfterValidator(_is_holiday)]
