"""What the documentation says is so: commands exist, links lead somewhere, examples run, tables and exit codes are those of the code."""

from __future__ import annotations

import ast
import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import click
import pyarrow as pa
import pytest
from deltalake import write_deltalake

from conf import load_settings
from conf.errors import ExitCode
from jobs.cli import cli
from jobs.context import declared
from jobs.document import tables_page
from simulation.complete_journey import PLAN as DEMO

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
BLOCK = re.compile(r"```\n(.*?)```", re.DOTALL)
SPAN = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\]\((?!http)([^)#]*)(?:#([^)]*))?\)")
HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)
EXAMPLE = re.compile(r"```(python|yaml)\n(.*?)```", re.DOTALL)
EXAMPLES = [pytest.param(kind, code, id=f"{page.stem}-{nth}")
            for page in PAGES for nth, (kind, code) in enumerate(EXAMPLE.findall(page.read_text(encoding="utf-8")))]


def page_id(page: Path) -> str:
    return str(page.relative_to(ROOT))


def commands(page: Path) -> list[str]:
    """Every `kehu …` and `make …` a page quotes, in code blocks and in spans."""
    text = page.read_text(encoding="utf-8")
    blocks = [line for block in BLOCK.findall(text) for line in block.splitlines()]
    quoted = [*blocks, *SPAN.findall(BLOCK.sub("", text))]
    return [found.group(0) for line in quoted if (found := re.search(r"(?<![\w./-])(kehu|make) [a-z].*", line))]


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_links_lead_somewhere(page):
    for target, anchor in LINK.findall(page.read_text(encoding="utf-8")):
        led_to = page.parent / target if target else page
        assert led_to.exists(), target
        assert not anchor or anchor in anchors(led_to), f"{target}#{anchor}"


def anchors(page: Path) -> set[str]:
    """What a page's headings are called in links, as GitHub makes it of them."""
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in HEADING.findall(text)}


def test_every_page_is_found_from_the_readme_or_the_index():
    found, ahead = set(), [ROOT / "README.md", ROOT / "docs" / "index.md"]
    while ahead:
        page = ahead.pop()
        page = (page / "README.md" if page.is_dir() else page).resolve()
        if page.suffix == ".md" and page.exists() and page not in found:
            found.add(page)
            ahead += [page.parent / target for target, _ in LINK.findall(page.read_text(encoding="utf-8")) if target]
    assert [page_id(page) for page in PAGES if page.resolve() not in found] == []


@pytest.mark.parametrize(("kind", "code"), EXAMPLES)
def test_examples_run(kind, code, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    if kind == "yaml":
        loads(code, tmp_path)
        return
    for table in re.findall(r"demo/lake/(\w+)", code):
        one_row(table, tmp_path / "demo" / "lake" / table)
    value = outcome(code)
    assert value is None or len(value) == 1, "the row of the demo's last day"


def loads(code: str, root: Path) -> None:
    """Configuration, laid over the packaged one in the file that its first line names; it must change something."""
    file = root / code.splitlines()[0].removeprefix("# ")
    file.parent.mkdir(parents=True)
    file.write_text(code, encoding="utf-8")
    assert load_settings(root / "conf") != load_settings()


def one_row(name: str, path: Path) -> None:
    """A table of the demo's lake with its declared columns, in it one row of the demo's last day."""
    table = declared()[name]
    row = {column.name: [DEMO.last if column.type == "DATE" else "x"] for column in table.columns}
    write_deltalake(path, pa.table(row), partition_by=list(table.partition_by))


def outcome(code: str) -> Any:
    """What an example's last line is worth; None where it is a statement."""
    *lines, last = ast.parse(code).body
    names: dict[str, Any] = {}
    exec(compile(ast.Module(lines, []), "example", "exec"), names)
    if isinstance(last, ast.Expr):
        return eval(compile(ast.Expression(last.value), "example", "eval"), names)
    exec(compile(ast.Module([last], []), "example", "exec"), names)
    return None


@pytest.mark.parametrize("page", [page for page in PAGES if commands(page)], ids=page_id)
def test_quoted_commands_exist_with_their_options(page):
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for quoted in commands(page):
        program, name, *rest = shlex.split(quoted.replace("…", "").replace("[", "").replace("]", "").split(" >>")[0].split(" && ")[0])
        if program == "make":
            assert name in targets, quoted
            continue
        assert name in cli.commands, quoted
        known = {option for parameter in cli.commands[name].params if isinstance(parameter, click.Option)
                 for option in (*parameter.opts, *parameter.secondary_opts)}
        assert {word.split("=")[0] for word in rest if word.startswith("--")} <= known | {"--help"}, quoted


def test_the_readme_names_every_command_and_the_two_that_matter():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for name in cli.commands:
        assert re.search(rf"`(?:kehu )?{name}\b", readme), name
    assert "\n```\nmake run\n```\n" in readme
    assert "\n```\nmake test\n```\n" in readme
    assert "make test" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def test_operations_explains_every_exit_code():
    page = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    assert {int(code) for code in re.findall(r"^\| (\d+) \|", page, re.MULTILINE)} == {int(code) for code in ExitCode}


def test_tables_are_documented_as_declared():
    assert (ROOT / "docs" / "tables.md").read_text(encoding="utf-8") == tables_page(), "run `make docs`"


NOT_TYPED = {"setup", "java", "chromium"}  # what other targets need


def test_every_make_target_is_explained_in_its_list():
    told = subprocess.run(["make", "-C", ROOT, "-s", "help"], capture_output=True, text=True, check=True).stdout
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8").replace("\\\n", " ")
    targets = set(" ".join(re.findall(r"^\.PHONY:(.*)$", makefile, re.MULTILINE)).split())
    assert targets > {"run", "test"}
    for target in targets - NOT_TYPED:
        assert f"make {target} " in told, target
