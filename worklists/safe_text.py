"""Text that people or spreadsheets will read: nothing invisible, nothing evaluated.

Names and payment texts come from outside. A right-to-left override can make `exe.fdp` read as `pdf.exe`, a zero-width space
makes two names look equal, and a cell that starts with `=` is a program (OWASP "CSV Injection", CWE-1236).
"""

from __future__ import annotations

import re
import unicodedata

LONGEST_CELL = 32_000  # characters: what a spreadsheet's cell holds, with room to spare
_SPACES = re.compile(r"[ \t\r\n\u00a0\u2028\u2029\u3000]+")
_JOINERS = "\u200c\u200d"  # zero-width joiners: needed by some scripts, never by the ones a bank's files are in here
_FORMULA = "=+-@|%\uff1d\uff0b\uff0d\uff20"
_STARTS_FORMULA = re.compile(rf"^[\s\ufeff\x00]*[{re.escape(_FORMULA)}]")
_AFTER_SEPARATOR = re.compile(rf"([;\t|][\s\"]*)([{re.escape(_FORMULA)}])")


def visible(text: str) -> str:
    """The text on one line, with every invisible or direction-changing character written as its code, `[U+202E]`."""
    single = _SPACES.sub(" ", text)
    if single.isprintable():  # nearly always
        return single.strip()
    return "".join(f"[U+{ord(c):04X}]" if _hidden(c) else c for c in single).strip()


def starts_formula(text: str) -> bool:
    """Whether a spreadsheet may take a cell of this text for a formula or a command."""
    return bool(_STARTS_FORMULA.match(text)) or text[:1] in ("\t", "\r", "\n", "\x00")


def csv_safe(text: str) -> str:
    """A CSV cell no spreadsheet evaluates: a single quote before whatever could start a formula.

    Also after a separator inside the text, because a spreadsheet of another locale splits there. Reading back takes exactly
    the leading quote off again.
    """
    parted = _AFTER_SEPARATOR.sub(r"\1'\2", visible(text)[:LONGEST_CELL])
    return f"'{parted}" if starts_formula(parted) else parted


def _hidden(character: str) -> bool:
    category = unicodedata.category(character)
    return category in ("Cc", "Cs", "Co", "Cn", "Zl", "Zp") or (category == "Cf") or character in _JOINERS
