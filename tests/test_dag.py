"""The DAG: which exit codes are tried again, which are not, and what a task runs. Airflow itself lives in another environment."""

from __future__ import annotations

import json
import os
import runpy
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from types import ModuleType

import pytest

from conf import ExitCode
from conf.settings import Bank
from jobs.cli import cli

FILE = Path(__file__).parents[1] / "dags" / "kehu_daily.py"
AIRFLOW = FILE.parents[1] / "build" / "airflow" / "venv" / "bin" / "python"


class Retried(Exception):
    pass


class Failed(Exception):
    pass


@pytest.fixture
def daily(monkeypatch) -> dict:
    """The module's names, with just enough of Airflow for it to be read."""
    sdk, exceptions, clock = ModuleType("airflow.sdk"), ModuleType("airflow.sdk.exceptions"), ModuleType("pendulum")
    sdk.dag = lambda **_: lambda function: lambda: function
    sdk.task = lambda *_, **__: None
    sdk.Param = lambda *_, **__: None
    exceptions.AirflowException, exceptions.AirflowFailException = Retried, Failed
    clock.timezone, clock.datetime = str, lambda *_, **__: None
    for module in (ModuleType("airflow"), sdk, exceptions, clock):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setenv("KEHU_BIN", "/opt/kehu/bin/kehu")
    monkeypatch.setenv("KEHU_LAKE", "/data/lake")
    return runpy.run_path(str(FILE))


def test_the_bank_says_in_which_zone_its_days_are(daily, monkeypatch):
    assert daily["ZONE"] == Bank(name="Bank").time_zone
    monkeypatch.setenv("KEHU_ZONE", "Europe/Prague")
    assert runpy.run_path(str(FILE))["ZONE"] == "Europe/Prague"


def test_a_task_runs_one_command_by_its_path_for_an_explicit_date(daily):
    assert daily["command"]("detect", "2024-01-02") == ["/opt/kehu/bin/kehu", "detect", "--date", "2024-01-02", "--lake", "/data/lake"]
    assert set(daily["JOBS"]) <= set(cli.commands)


@pytest.mark.parametrize(("job", "code", "verdict"), [
    ("ingest", ExitCode.DONE, 0),
    ("ingest", ExitCode.REJECTED, 65),  # the other files were taken: the day goes on
    ("score", ExitCode.MISSING, 69),  # no model yet: the alerts go out
    ("detect", ExitCode.REJECTED, Failed),
    ("ingest", ExitCode.MISSING, Failed),
    ("export", ExitCode.CONFIGURATION, Failed),
    ("export", ExitCode.CHECK_FAILED, Failed),
    ("alert", ExitCode.USAGE, Failed),
    ("alert", ExitCode.BUSY, Retried),
    ("alert", ExitCode.IO, Retried),
    ("alert", -9, Retried),
])
def test_only_what_may_succeed_later_is_tried_again(daily, job, code, verdict):
    if isinstance(verdict, int):
        assert daily["judged"](job, int(code)) == verdict
    else:
        with pytest.raises(verdict):
            daily["judged"](job, int(code))


def test_a_day_fails_for_what_was_refused_and_not_for_what_was_never_trained(daily):
    assert daily["refused"]([0, 0, 0, int(ExitCode.MISSING), 0, 0]) == []
    assert daily["refused"]([int(ExitCode.REJECTED), 0, 0, 0, 0, 0]) == ["ingest exited 65"]


@pytest.mark.skipif(not AIRFLOW.exists(), reason="Airflow's own environment is made by `make airflow`")
def test_airflow_itself_reads_the_dag_as_one_chain(tmp_path):
    look = "import json; from kehu_daily import kehu_daily as made; dag = made(); " \
           "print(json.dumps({task.task_id: sorted(task.upstream_task_ids) for task in dag.tasks}), dag.max_active_runs, dag.catchup)"
    done = subprocess.run([AIRFLOW, "-c", look], capture_output=True, text=True, check=True, cwd=FILE.parent,
                          env={**os.environ, "AIRFLOW_HOME": str(tmp_path), "AIRFLOW__LOGGING__LOGGING_LEVEL": "ERROR"})
    tasks, active, catchup = done.stdout.strip().splitlines()[-1].rsplit(" ", 2)
    chain = ["ingest", "detect", "features", "score", "alert", "export"]
    assert json.loads(tasks) == {
        **{after: [before] for before, after in pairwise(chain)}, "ingest": [], "verdict": sorted(chain)}
    assert (active, catchup) == ("1", "False")
