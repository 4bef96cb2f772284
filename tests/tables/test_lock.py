"""One lake, one writer, held by the kernel: a second process is told who has it, a dead holder holds nothing."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from conf import ExitCode, KehuError
from tables import lock
from tables.lock import exclusive

HOLD = """
import sys
import threading
from pathlib import Path
from tables.lock import exclusive
with exclusive(Path(sys.argv[1]), "run --date 2024-01-01"):
    print("held", flush=True)
    sys.stdin.read()
"""


def holder(lake: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(lake)], text=True,
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_a_second_process_is_refused_and_told_who_holds_the_lake(tmp_path):
    first = holder(tmp_path)
    try:
        with pytest.raises(KehuError, match=rf"held by `kehu run --date 2024-01-01` \(process {first.pid}\)") as refused, \
                exclusive(tmp_path, "maintain"):
            pass
        assert refused.value.code == ExitCode.BUSY
    finally:
        first.communicate("")
    with exclusive(tmp_path, "maintain"):
        pass


def test_a_killed_holder_holds_nothing(tmp_path):
    first = holder(tmp_path)
    os.kill(first.pid, signal.SIGKILL)
    first.wait()
    with exclusive(tmp_path, "run"):
        pass


def test_the_java_of_a_killed_holder_is_waited_for(tmp_path, monkeypatch):
    """It may still be finishing a commit."""
    java = subprocess.Popen(["sleep", "3"])
    left_behind(tmp_path, java.pid)
    reaper = threading.Thread(target=java.wait)
    reaper.start()
    with exclusive(tmp_path, "run"):
        reaper.join(1)  # it has ended, and is only to be reaped
        assert not reaper.is_alive()

    stubborn = subprocess.Popen(["sleep", "60"])
    left_behind(tmp_path, stubborn.pid)
    monkeypatch.setattr(lock, "PATIENCE_SECONDS", 0.2)
    try:
        with pytest.raises(KehuError, match=rf"whose Java \({stubborn.pid}\) still runs"), exclusive(tmp_path, "run"):
            pass
    finally:
        stubborn.kill()
        stubborn.wait()
    with exclusive(tmp_path, "run"):
        pass


def left_behind(lake: Path, java: int) -> None:
    """The lock as a killed process leaves it, its Java still running."""
    with exclusive(lake, "run") as held:
        held.with_java(java)
        content = json.loads((lake / lock.NAME).read_text())
    (lake / lock.NAME).write_text(json.dumps({**content, "pid": 1}))


def test_a_lake_that_cannot_be_written_is_an_input_output_error(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(KehuError) as refused, exclusive(tmp_path / "file" / "lake", "run"):
        pass
    assert refused.value.code == ExitCode.IO
