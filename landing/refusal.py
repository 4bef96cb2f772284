"""Why a file does not enter, as a name an operator can look up and a word of where."""

from __future__ import annotations


class Refused(Exception):
    """Nothing of the file enters; other files go on.

    Parameters
    ----------
    reason : str
        A name of `docs/ingest.md`, `GZIP_CORRUPT` for instance.
    detail : str
        Where and what, without customer data.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason


class Held(Exception):
    """The file is not complete yet: a later run takes it."""
