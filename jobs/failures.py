"""What Spark and the disk throw, as one line for the person who meets it; values of rows never get into it."""

from __future__ import annotations

import re

from conf import ExitCode, KehuError

FULL = ("No space left on device", "Disk quota exceeded")
MEMORY = ("java.lang.OutOfMemoryError", "SparkOutOfMemoryError")
NEWER = ("DELTA_UNSUPPORTED_FEATURES_FOR_READ", "DELTA_UNSUPPORTED_FEATURES_FOR_WRITE", "DELTA_INVALID_PROTOCOL_VERSION")
UNREADABLE = ("ArrowInvalid", "DeltaError", "DeltaProtocolError", "TableNotFoundError")
DEAD = ("Py4JNetworkError", "ConnectionRefusedError", "ConnectionResetError")
CONDITION = re.compile(r"\[([A-Z][A-Z0-9]*_[A-Z0-9_]+(?:\.[A-Z0-9_]+)?)\]")


def told(error: Exception, doing: str) -> KehuError:
    """The error as a KehuError: what, where and what to do.

    Parameters
    ----------
    error : Exception
        Anything a job raised.
    doing : str
        The job that met it.
    """
    if isinstance(error, KehuError):
        return error
    text, kind = str(error), type(error).__name__  # the text of a Java error holds its whole stack, and the values of rows
    if any(sign in text for sign in FULL):
        return KehuError(f"{doing}: the disk is full; free some and run it again", ExitCode.IO)
    if any(sign in text for sign in MEMORY):
        return KehuError(f"{doing}: Java ran out of memory; raise spark.driver_memory in kehu.yaml and run it again",
                         ExitCode.CHECK_FAILED)
    if kind in DEAD:
        return KehuError(f"{doing}: Java ended unexpectedly (killed, or out of memory); run it again",
                         ExitCode.CHECK_FAILED)
    gone = isinstance(error, FileNotFoundError) and error.filename is None  # as Arrow says it, in a text of its own
    if kind in UNREADABLE or gone:
        return KehuError(f"{doing}: a file of the lake is missing or damaged; `kehu doctor` names it", ExitCode.IO)
    if isinstance(error, OSError):
        return KehuError(f"{doing}: {error.strerror or kind}: {error.filename or ''}", ExitCode.IO)
    condition = CONDITION.search(text)
    if condition and condition.group(1) in NEWER:
        return KehuError(f"{doing}: a table was written by a newer Delta ({condition.group(1)}); update Kehu",
                         ExitCode.MISSING)
    what = condition.group(1) if condition else kind
    return KehuError(f"{doing}: unexpected {what}; run again with --debug, or see logs/kehu.log beside the lake",
                     ExitCode.CHECK_FAILED)
