"""Pages that several measurements share: each replaces its own part and leaves the others, and what people wrote between, alone."""

from __future__ import annotations

import re
from pathlib import Path

DOCS = Path(__file__).parents[1] / "docs"
EVALUATION, BENCHMARKS = DOCS / "evaluation.md", DOCS / "benchmarks.md"


def put(page: Path, name: str, text: str) -> None:
    """Replace what stands between `<!-- name -->` and `<!-- /name -->`.

    Parameters
    ----------
    page : path
    name : str
        Of the part.
    text : str
        Markdown.

    Raises
    ------
    ValueError
        The page has no such part.
    """
    begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    before = page.read_text(encoding="utf-8")
    part = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
    if not part.search(before):
        raise ValueError(f"{page.name} has no part {begin} ... {end}")
    page.write_text(part.sub(lambda _: f"{begin}\n{text.strip()}\n{end}", before, count=1), encoding="utf-8")


def table(heads: list[str], rows: list[list[str]], words: int = 1) -> str:
    """A Markdown table whose first columns are words, the others numbers."""
    lines = [heads, ["---"] * words + ["---:"] * (len(heads) - words), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
