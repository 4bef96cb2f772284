"""Java is found or asked for in one line; JARs are what was locked; Spark's noise goes to the log."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys

import pytest

from conf import ExitCode, KehuError
from jobs import jars, materials, session


def java(tmp_path, monkeypatch, says: str, flags: str = "") -> None:
    """A java in a JAVA_HOME of its own that says it is some version."""
    place = tmp_path / "bin" / "java"
    place.parent.mkdir()
    place.write_text(f"#!/bin/sh\necho '{says}' >&2\necho '{flags}'\n")
    place.chmod(0o755)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))


@pytest.mark.parametrize("says", ['openjdk version "17.0.15" 2025-04-15', 'java version "21"', 'openjdk version "21-ea" 2023-09-19'])
def test_java_17_and_21_will_do(tmp_path, monkeypatch, says):
    java(tmp_path, monkeypatch, says)
    assert session.require_java() == str(tmp_path / "bin" / "java")


@pytest.mark.parametrize(("says", "found"), [
    ('java version "1.8.0_392"', "1"), ('openjdk version "11.0.2"', "11"), ("gibberish", "unknown"),
])
def test_another_java_is_refused_with_the_way_to_a_right_one(tmp_path, monkeypatch, says, found):
    java(tmp_path, monkeypatch, says)
    with pytest.raises(KehuError, match=f"is Java {found}, Spark needs 17 or 21; install .*apt-get install") as refused:
        session.require_java()
    assert refused.value.code == ExitCode.MISSING


def test_no_java_at_all(monkeypatch):
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(KehuError, match="no Java found; install Java 17 or 21"):
        session.require_java()


@pytest.mark.parametrize(("flags", "memory"), [
    ("   size_t MaxHeapSize      = 6320816128      {product} {ergonomic}", "6028m"),
    ("   size_t MaxHeapSize      = 522190848      {product} {ergonomic}", "3072m"), ("another Java", "3072m"),
])
def test_memory_is_a_share_of_the_machines_and_never_too_little(tmp_path, monkeypatch, flags, memory):
    java(tmp_path, monkeypatch, 'openjdk version "17.0.15"', flags)
    assert session.own_memory(session.require_java()) == memory


def test_without_jars_it_is_said_how_to_get_them(settings, monkeypatch, tmp_path):
    monkeypatch.setattr(session, "JARS", tmp_path)
    with pytest.raises(KehuError, match="fetch them once with `python -m jobs") as refused:
        session.start(settings)
    assert refused.value.code == ExitCode.MISSING


def test_jars_are_those_that_were_locked(tmp_path, monkeypatch):
    assert all(len(digest) == 64 for digest in jars.locked().values())
    monkeypatch.setattr(jars, "JARS", tmp_path)
    (tmp_path / "a.jar").write_bytes(b"whole")
    digest = hashlib.sha256(b"whole").hexdigest()
    assert jars.sound("a.jar", digest)
    (tmp_path / "a.jar").write_bytes(b"other")
    assert not jars.sound("a.jar", digest)
    assert not jars.sound("b.jar", digest)


def test_the_bill_of_materials_names_every_locked_package_and_jar():
    made_of = {part["purl"] for part in materials.bill()["components"]}
    assert {"pkg:pypi/pyspark@4.1.4", "pkg:maven/io.delta/delta-spark_4.1_2.13@4.4.0"} <= made_of
    assert sum(part.startswith("pkg:maven") for part in made_of) == len(jars.locked())


def test_what_the_launcher_prints_goes_to_the_log(tmp_path, capfd):
    log = tmp_path / "logs" / "kehu.log"
    with session._stderr_to(log):
        os.write(2, b"WARN: noise\n")
    os.write(2, b"after\n")
    assert log.read_text() == "WARN: noise\n"
    assert capfd.readouterr().err == "after\n"


def test_the_log_may_lie_where_paths_have_blanks_and_letters_that_are_not_ascii(tmp_path):
    log = tmp_path / "客户 logs" / "kehu.log"
    option = session._logging(log)
    assert option.isascii()
    assert " " not in option
    text = log.with_suffix(".log4j2.properties").read_text(encoding="ascii")
    assert "\\u5ba2\\u6237 logs/kehu.log" in text


def test_the_session_is_safe_and_quiet(spark, capfd):
    for key, value in session.SAFE.items():
        assert spark.conf.get(key) == value
    with pytest.raises(Exception, match="TABLE_OR_VIEW_NOT_FOUND"):
        spark.sql("SELECT 'Li Lei' FROM nowhere").collect()
    said = capfd.readouterr()
    assert said.out + said.err == ""


FAILING = """
import sys
from pathlib import Path
from conf import load_settings
from jobs import session
import pyspark.sql.functions as F
names = session.start(load_settings(), Path(sys.argv[1])).createDataFrame([("Li Lei", "12345678901.5")], "name string, amount string")
for column, kind in (("name", "int"), ("amount", "decimal(4,2)")):
    try:
        names.select(F.col(column).cast(kind)).collect()
    except Exception as error:
        print(type(error).__name__)
"""


def test_a_failure_says_no_value_of_a_row_on_the_console_or_in_the_log(tmp_path):
    log = tmp_path / "logs" / "kehu.log"
    ran = subprocess.run([sys.executable, "-c", FAILING, str(log)], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["NumberFormatException", "ArithmeticException"]
    said = log.read_text()
    assert "[CAST_INVALID_INPUT]" in said
    assert "NUMERIC_VALUE_OUT_OF_RANGE" in said
    for value in ("Li Lei", "12345678901"):
        assert value not in ran.stderr + said


def test_plans_are_made_otherwise_only_meanwhile(spark):
    options = session.INTERPRETED | session.UNCONSTRAINED
    before = {key: spark.conf.get(key, None) for key in options}
    with session.planned(spark, options):
        assert {key: spark.conf.get(key) for key in options} == options
    assert {key: spark.conf.get(key, None) for key in options} == before
