"""Alert ids that survive a spreadsheet, a telephone and a typing error: `AL-7K3FQ2M9BXTC-4`.

Letters first, so that no spreadsheet takes it for a number or a date; none of 0, O, 1, I and L; twelve places hold 59 bits,
so that ten million alerts share an id with a chance of 1 in 15,000. The check character is the weighted sum modulo the
prime 31, all weights different: any one wrong character and any two exchanged ones are noticed.
"""

from __future__ import annotations

import re

import pyspark.sql.functions as F
from pyspark.sql import Column

PREFIX = "AL"
ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
BASE = len(ALPHABET)  # 31, a prime
PLACES = 12
_SHAPE = re.compile(rf"{PREFIX}-([{ALPHABET}]{{{PLACES}}})-([{ALPHABET}])")


def alert_id(*identity: Column) -> Column:
    """The id of what `identity` names: the same columns give the same id, wherever and whenever it is computed."""
    digest = F.sha2(F.concat_ws("|", *identity), 256)
    digits = [digit for three in range(0, PLACES, 3) for digit in _digits(digest, three)]
    check = F.lit(0)
    for place, digit in enumerate(digits):
        check = check + digit * (place + 1)
    body = F.concat(*[_character(digit) for digit in digits])
    return F.concat(F.lit(f"{PREFIX}-"), body, F.lit("-"), _character(check % BASE))


def is_alert_id(text: str) -> bool:
    """Whether a text has the shape of an alert id and its check character fits."""
    match = _SHAPE.fullmatch(text)
    if match is None:
        return False
    body, check = match.groups()
    return ALPHABET[sum((place + 1) * ALPHABET.index(char) for place, char in enumerate(body)) % BASE] == check


def normalised(text: str) -> str:
    """An id as people and spreadsheets hand it back: other case, spaces, other dashes, a leading quote."""
    bare = re.sub(r"[\s\u200b\ufeff'\"‘’“”]", "", text).upper()
    return re.sub(r"[\u2010-\u2015\u2212\uff0d]", "-", bare)


def _digits(digest: Column, place: int) -> list[Column]:
    """Three places, each five hexadecimal digits of the hash modulo 31: even to one in 30,000. Hexadecimal is slow to read, so at once."""
    fifteen = F.conv(F.substring(digest, 5 * place + 1, 15), 16, 10).cast("bigint")
    return [(F.shiftright(fifteen, 20 * behind).bitwiseAND(0xFFFFF) % BASE).cast("int") for behind in (2, 1, 0)]


def _character(digit: Column) -> Column:
    return F.substring(F.lit(ALPHABET), digit + 1, F.lit(1))
