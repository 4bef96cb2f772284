"""Runs the text notebooks and writes them with what they show: `python -m notebooks.execute [NAME…]` → `build/notebooks/`.

A notebook is a Python file whose cells begin with `# %%` (code) or `# %% [markdown]` (text, in comments): it can be read, compared and
linted like any other source, and every editor that knows cells opens it.
"""

from __future__ import annotations

import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

HERE = Path(__file__).parent
OUT = HERE.parent / "build" / "notebooks"
CELL, TEXT = "# %%", "# %% [markdown]"
SECONDS_A_CELL = 600


def notebook(source: str) -> NotebookNode:
    """A text notebook as Jupyter's format."""
    cells = []
    for part in source.split(f"\n{CELL}")[1:]:
        kind, _, body = part.partition("\n")
        if f"{CELL}{kind}" == TEXT:
            body = "\n".join(line.removeprefix("#").removeprefix(" ") for line in body.splitlines())
            cells.append(new_markdown_cell(body.strip()))
        else:
            cells.append(new_code_cell(body.strip()))
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number}"  # Jupyter would draw them at random
    return new_notebook(cells=cells, metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}})


def executed(file: Path) -> NotebookNode:
    """The notebook with its outputs; an error in a cell is raised, with the cell."""
    made = notebook(file.read_text(encoding="utf-8"))
    NotebookClient(made, timeout=SECONDS_A_CELL, resources={"metadata": {"path": str(HERE.parent)}}).execute()
    return made


def main(names: list[str]) -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    files = [HERE / f"{name}.py" for name in names] or sorted(HERE.glob("[0-9]*.py"))
    for file in files:
        print(f"running {file.name}", flush=True)
        target = OUT / f"{file.stem}.ipynb"
        nbformat.write(executed(file), target)
        print(f"  {target}")


if __name__ == "__main__":
    main(sys.argv[1:])
