"""The command line: every command of the contract, help at once, one line an error, and a code that says what kind."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest

from conf import ExitCode, KehuError
from jobs import cli as cli_module
from jobs.cli import cli, main
from jobs.console import Console
from jobs.failures import told

CONTRACT = {"run", "ingest", "detect", "features", "score", "alert", "export", "backfill", "train", "outcomes", "explain", "customer",
            "status", "doctor", "maintain", "erase", "simulate", "demo"}
FILE = {"features": "build_features"}  # a file `jobs/features.py` would stand before the room `features` under spark-submit


def python(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=False)


def test_every_command_of_the_contract_is_there_and_says_what_it_does():
    assert set(cli.commands) >= CONTRACT
    for name, command in cli.commands.items():
        assert command.help, name


@pytest.mark.parametrize("name", sorted(CONTRACT))
def test_every_command_is_a_file_that_can_be_run_or_submitted(name):
    source = (Path(cli_module.__file__).parent / f"{FILE.get(name, name)}.py").read_text(encoding="utf-8")
    assert f'if __name__ == "__main__":\n    from jobs.cli import main\n\n    main("{name}")' in source


def test_help_imports_nothing_heavy_and_is_there_at_once():
    heavy = "pyspark, mlflow, great_expectations, sklearn, pandas, deltalake, pyarrow, rich"
    seen = python("-c", f"import jobs.cli, sys; print([name for name in '{heavy}'.split(', ') if name in sys.modules])")
    assert seen.stdout.strip() == "[]"
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert python("-m", "jobs.cli", "--help").returncode == 0
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 0.5  # of the processor: other work may be going on


@pytest.mark.parametrize(("arguments", "code", "says"), [
    (["run"], ExitCode.USAGE, "Missing option '--date'"),
    (["run", "--date", "yesterday"], ExitCode.USAGE, "does not match the format"),
    (["fly"], ExitCode.USAGE, "No such command"),
    (["outcomes", "/nowhere.xlsx"], ExitCode.USAGE, "does not exist"),
    (["features"], ExitCode.USAGE, "--date is needed"),
    (["status", "--conf", "/nowhere"], ExitCode.CONFIGURATION, "kehu: configuration directory /nowhere does not exist"),
    (["run", "--date", "2026-01-05", "--lake", "s3://bucket/lake"], ExitCode.CONFIGURATION, "s3://bucket/lake: Kehu reads and writes"),
    (["maintain", "--lake", "/nowhere/lake"], ExitCode.MISSING, "kehu: nothing was run in the lake /nowhere/lake yet"),
    (["customer", "CU-1", "--lake", "/nowhere/lake"], ExitCode.MISSING, "kehu: nothing was run in the lake /nowhere/lake yet"),
])
def test_an_error_is_one_line_and_a_code(monkeypatch, capsys, arguments, code, says):
    monkeypatch.setattr(sys, "argv", ["kehu", *arguments])
    with pytest.raises(SystemExit) as left:
        main()
    said = capsys.readouterr()
    assert left.value.code == code
    assert says in said.err
    assert "Traceback" not in said.err
    assert not said.out


def test_with_debug_there_is_a_traceback_before_the_same_line_and_code(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["kehu", "status", "--conf", "/nowhere", "--debug"])
    with pytest.raises(SystemExit) as left:
        main()
    said = capsys.readouterr().err.splitlines()
    assert (left.value.code, said[0], said[-1][:6]) == (ExitCode.CONFIGURATION, "Traceback (most recent call last):", "kehu: ")


def test_a_path_that_is_written_to_a_file_is_never_cut(capsys):
    path = "/lake/" + "deeper/" * 60 + "certificate.json"
    Console().summary({"rows_in": 1234, "certificate": path, "files": [path, path]})
    assert capsys.readouterr().out.count(path) == 3


class Py4JNetworkError(Exception):
    pass


JAVA = "An error occurred while calling o1.save.\n: org.apache.spark.SparkException: {}\n\tat org.apache.spark.X(X.scala:1)"


@pytest.mark.parametrize(("error", "code", "line"), [
    (KehuError("as it is", ExitCode.REJECTED), ExitCode.REJECTED, "as it is"),
    (OSError(28, "No space left on device", "/data/x"), ExitCode.IO, "detect: the disk is full; free some and run it again"),
    (Exception(JAVA.format("java.io.IOException: No space left on device")), ExitCode.IO,
     "detect: the disk is full; free some and run it again"),
    (pa.ArrowInvalid("Could not open Parquet input source: Li Lei"), ExitCode.IO,
     "detect: a file of the lake is missing or damaged; `kehu doctor` names it"),
    (FileNotFoundError("[Errno 2] Failed to open local file '/lake/x'"), ExitCode.IO,
     "detect: a file of the lake is missing or damaged; `kehu doctor` names it"),
    (PermissionError(13, "Permission denied", "/data/x"), ExitCode.IO, "detect: Permission denied: /data/x"),
    (Exception(JAVA.format("java.lang.OutOfMemoryError: Java heap space")), ExitCode.CHECK_FAILED,
     "detect: Java ran out of memory; raise spark.driver_memory in kehu.yaml and run it again"),
    (Py4JNetworkError("Answer from Java side is empty"), ExitCode.CHECK_FAILED,
     "detect: Java ended unexpectedly (killed, or out of memory); run it again"),
    (Exception(JAVA.format("[DELTA_UNSUPPORTED_FEATURES_FOR_READ] Unsupported")), ExitCode.MISSING,
     "detect: a table was written by a newer Delta (DELTA_UNSUPPORTED_FEATURES_FOR_READ); update Kehu"),
    (Exception(JAVA.format("[DELTA_VIOLATE_CONSTRAINT_WITH_VALUES] CHECK … violated by row with values: full_name: Li Lei")),
     ExitCode.CHECK_FAILED,
     "detect: unexpected DELTA_VIOLATE_CONSTRAINT_WITH_VALUES; run again with --debug, or see logs/kehu.log beside the lake"),
    (ValueError("Li Lei"), ExitCode.CHECK_FAILED,
     "detect: unexpected ValueError; run again with --debug, or see logs/kehu.log beside the lake"),
])
def test_whatever_is_thrown_becomes_one_line_without_a_rows_values(error, code, line):
    failed = told(error, "detect")
    assert (failed.code, str(failed)) == (code, line)
