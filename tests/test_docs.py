"""What the documentation says is so: commands exist, links lead somewhere, tables and exit codes are those of the code."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path

import click
import pytest

from conf.errors import ExitCode
from jobs.cli import cli
from jobs.document import tables_page

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
BLOCK = re.compile(r"```\n(.*?)```", re.DOTALL)
SPAN = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\]\((?!http|#)([^)#]+)(#[^)]*)?\)")


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
    for target, _ in LINK.findall(page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


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


def test_every_make_target_is_explained_in_its_list():
    told = subprocess.run(["make", "-C", ROOT, "-s", "help"], capture_output=True, text=True, check=True).stdout
    for target in ("run", "test", "check", "airflow", "notebooks", "evaluate", "bench", "docs", "audit", "clean"):
        assert f"make {target} " in told, target
