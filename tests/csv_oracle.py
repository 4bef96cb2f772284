"""CSV as the contract reads it, character by character, slow and obvious; shares no code with `landing`."""

from __future__ import annotations

from dataclasses import dataclass

Found = tuple[int, str | None, tuple[str, ...] | None]  # line, problem, fields


@dataclass
class Refusal:
    reason: str


def csv_oracle(text: str, names: list[str], delimiter: str = ",", quote: str = '"', backslash: bool = False) -> list[Found] | Refusal:
    """Rows of a text whose header must hold `names`; fields come in the order of `names`."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    cut_off = not text.endswith("\n")
    lines = text.split("\n")
    if not cut_off:
        lines.pop()
    at = 0
    while at < len(lines) and not lines[at].strip(" "):
        at += 1
    if at == len(lines):
        return Refusal("HEADER_MISMATCH")
    header_line = lines[at]
    header, used = record([header_line], 0, delimiter, quote, backslash)
    if header is None or used != 1:
        return Refusal("HEADER_MISMATCH")
    header = [name.strip().lower() for name in header]
    if not set(names) <= set(header):
        return Refusal("HEADER_MISMATCH")
    if any(header.count(name) > 1 for name in names):
        return Refusal("HEADER_DUPLICATE")
    rows: list[Found] = []
    at += 1
    while at < len(lines):
        line, number = lines[at], at + 1
        if not line.strip(" "):
            at += 1
        elif line == header_line:
            rows.append((number, "REPEATED_HEADER", None))
            at += 1
        else:
            fields, used = record(lines, at, delimiter, quote, backslash)
            if fields is None:
                rows.append((number, "UNBALANCED_QUOTE", None))
            elif len(fields) != len(header):
                rows.append((number, "COLUMN_COUNT", None))
            elif "\0" in "".join(fields):
                rows.append((number, "CONTROL_CHAR", None))
            else:
                rows.append((number, None, tuple(fields[header.index(name)] for name in names)))
            at += used
    if cut_off and rows and rows[-1][1] in ("UNBALANCED_QUOTE", "COLUMN_COUNT") and lines[-1].strip(" "):
        return Refusal("TRUNCATED_TAIL")
    return rows


def record(lines: list[str], at: int, delimiter: str, quote: str, backslash: bool) -> tuple[list[str] | None, int]:
    """Fields of the record that begins at a line and the lines it takes; None and 1 when its quotes are wrong."""
    fields, field, state, line, place = [], "", "start", at, 0
    while True:
        if place == len(lines[line]):
            if state in ("quoted", "quoted escape"):
                line, place = line + 1, 0
                if line == len(lines):
                    return None, 1
                field += "\n"
                state = "quoted"
                continue
            if state == "escape":
                return None, 1
            fields.append(field)
            return fields, line - at + 1
        letter = lines[line][place]
        place += 1
        if state in ("escape", "quoted escape"):
            field, state = field + letter, "plain" if state == "escape" else "quoted"
        elif backslash and letter == "\\" and state != "closed":
            state = "quoted escape" if state == "quoted" else "escape"
        elif state == "quoted":
            if letter != quote:
                field += letter
            elif not backslash and lines[line][place:place + 1] == quote:
                field, place = field + quote, place + 1
            else:
                state = "closed"
        elif letter == delimiter:
            fields.append(field)
            field, state = "", "start"
        elif state == "closed":
            return None, 1
        elif letter == quote and state == "start":
            state = "quoted"
        else:
            field, state = field + letter, "plain"
