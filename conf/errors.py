"""Errors that reach a person: one line saying what, where and what to do, with a documented exit code."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """Exit codes every command keeps to (`docs/operations.md` explains each to an operator)."""

    DONE = 0
    USAGE = 2
    CONFIGURATION = 64
    REJECTED = 65  # data rejected: a retry will not help
    MISSING = 69  # Java, JARs, a package, a newer table protocol
    CHECK_FAILED = 70
    IO = 74
    BUSY = 75  # another run holds the lake: retry later


class KehuError(Exception):
    """An error with an exit code, written for the person who meets it.

    Parameters
    ----------
    message : str
        One line: what happened, where, and what to do. Never holds customer data.
    code : ExitCode
        What the process exits with.
    """

    def __init__(self, message: str, code: ExitCode) -> None:
        super().__init__(message)
        self.code = code
