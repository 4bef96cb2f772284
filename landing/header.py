"""Which column of a bank's file is which canonical one: by name, in any order."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence

from landing.refusal import Refused
from landing.rows import Shape

MAX_COLUMNS = 500


def canonical(name: str) -> str:
    """Names are compared without outer spaces, case or full-width letters."""
    return unicodedata.normalize("NFKC", name).strip().strip("﻿").casefold()


def places(header: Sequence[str], shape: Shape, names: Mapping[str, str], extra: str) -> list[int | None]:
    """Where each canonical column stands in the file; None for an optional one that is not there.

    Parameters
    ----------
    header : sequence of str
        The file's own names.
    shape : Shape
    names : mapping
        Canonical name -> the bank's name, where they differ.
    extra : {"ignore", "refuse"}
        What to do with columns nobody asked for.

    Raises
    ------
    Refused
        HEADER_MISMATCH, HEADER_DUPLICATE.
    """
    if len(header) > MAX_COLUMNS:
        raise Refused("HEADER_MISMATCH", f"{len(header)} columns, at most {MAX_COLUMNS}")
    found = [canonical(name) for name in header]
    wanted = {column: canonical(names.get(column, column)) for column in shape.columns}
    missing = sorted(wanted[column] for column in shape.required if wanted[column] not in found)
    if missing:
        raise Refused("HEADER_MISMATCH", f"no column {', '.join(missing)} among {len(found)}")
    twice = sorted({name for name in wanted.values() if found.count(name) > 1})
    if twice:
        raise Refused("HEADER_DUPLICATE", f"more than one column {', '.join(twice)}")
    unknown = sorted(set(found) - set(wanted.values()))
    if unknown and extra == "refuse":
        raise Refused("HEADER_MISMATCH", f"{len(unknown)} column(s) nobody asked for; `extra_columns: ignore` lets them pass")
    return [found.index(wanted[column]) if wanted[column] in found else None for column in shape.columns]
