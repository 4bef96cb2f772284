"""Every damaged state is named, and what can be mended is mended: afterwards the rows are those of before."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import deltalake
import pytest
from deltalake import DeltaTable

from conf import ExitCode, KehuError
from jobs.context import Places
from jobs.doctor import examined
from jobs.ledger import last_versions
from tables.checksums import lay_beside, sidecar
from tables.durable import LOG, commits, newest_commit, newest_version
from tables.sound import require_sound
from tests.small_lake import record, write

DAYS = [date(2024, 1, day) for day in (1, 2, 3)]


def a_day(lake: Path, day: date, customers: list[str]) -> None:
    write(lake / "daily_flows", [{"recorded_on": day, "customer_id": customer} for customer in customers], mode="overwrite",
          predicate=f"recorded_on = '{day}'", partition_by=["recorded_on"])


@pytest.fixture
def hurt(tmp_path) -> Places:
    """A lake of three days: every commit ours, each day in the ledger, a checkpoint in between."""
    lake = tmp_path / "lake"
    write(lake / "daily_flows", [], partition_by=["recorded_on"])
    for number, day in enumerate(DAYS):
        a_day(lake, day, [f"c{n}" for n in range(number + 1)])
        if number == 1:
            DeltaTable(lake / "daily_flows").create_checkpoint()
            lay_beside(next((lake / "daily_flows" / LOG).glob("*.checkpoint.parquet")))
        record(lake, day)
    return Places(tmp_path / "landing", lake, tmp_path / "worklists")


def complaint(settings, places: Places, repair: bool = False) -> str:
    with pytest.raises(KehuError) as error:
        examined(settings, places, repair)
    assert error.value.code == ExitCode.CHECK_FAILED
    return str(error.value)


def customers(places: Places) -> list[str]:
    return sorted(DeltaTable(places.lake / "daily_flows").to_pyarrow_table()["customer_id"].to_pylist())


def data_file(places: Places, day: date) -> Path:
    return next((places.lake / "daily_flows" / f"recorded_on={day}").glob("*.parquet"))


def flip(file: Path, at: int) -> None:
    content = bytearray(file.read_bytes())
    content[at] ^= 1
    file.write_bytes(content)


def test_a_sound_lake_is_sound(settings, hurt):
    assert examined(settings, hurt, repair=False) == "sound"


@pytest.mark.parametrize("damage", ["cut", "flipped", "checksum"])
def test_a_damaged_checkpoint_is_kept_aside_and_the_log_still_tells_all(settings, hurt, damage):
    checkpoint = next((hurt.lake / "daily_flows" / LOG).glob("*.checkpoint.parquet"))
    if damage == "cut":
        checkpoint.write_bytes(checkpoint.read_bytes()[:-20])
    elif damage == "flipped":
        flip(checkpoint, -3)
    else:
        sidecar(checkpoint).write_bytes(b"crc\0\0\0\2\0wrong")
    assert f"table daily_flows: checkpoint {LOG}/{checkpoint.name} is damaged" in complaint(settings, hurt)
    assert "mended" in examined(settings, hurt, repair=True)
    assert customers(hurt) == ["c0", "c0", "c0", "c1", "c1", "c2"]
    assert (hurt.lake / ".repaired" / "daily_flows" / checkpoint.name).exists()
    assert examined(settings, hurt, repair=False) == "sound"


@pytest.mark.parametrize("left", [0, 40])
def test_a_commit_that_a_power_loss_cut_is_taken_back_when_the_ledger_does_not_know_it(settings, hurt, left):
    before = customers(hurt)
    a_day(hurt.lake, DAYS[2], [])
    commit = newest_commit(hurt.lake / "daily_flows")
    commit.write_bytes(commit.read_bytes()[:left])
    if not left:
        with pytest.raises(KehuError, match="is empty"):
            require_sound(hurt.lake, last_versions(hurt.lake))
    assert f"commit {LOG}/{commit.name} is {'empty' if not left else 'cut or garbled'}" in complaint(settings, hurt)
    assert "mended" in examined(settings, hurt, repair=True)
    assert customers(hurt) == before
    require_sound(hurt.lake, last_versions(hurt.lake))


def test_a_commit_whose_files_were_not_flushed_takes_back_all_that_the_ledger_does_not_know(settings, hurt):
    before = customers(hurt)
    a_day(hurt.lake, date(2024, 1, 4), ["new"])
    write(hurt.lake / "segments", [])
    data_file(hurt, date(2024, 1, 4)).write_bytes(b"")
    assert "the ledger does not know it yet" in complaint(settings, hurt)
    assert "mended" in examined(settings, hurt, repair=True)
    assert customers(hurt) == before
    assert newest_version(hurt.lake / "segments") == -1


def test_lost_data_is_named_and_never_mended_by_guessing(settings, hurt):
    file = data_file(hurt, DAYS[0])
    whole = file.read_bytes()
    for content, told in ((None, "missing"), (whole[:-9], "bytes long instead of"), (b"", "0 bytes long"), (None, "not what was written")):
        if told == "not what was written":
            file.write_bytes(whole)
            flip(file, len(whole) // 2)
        elif content is None:
            file.unlink()
        else:
            file.write_bytes(content)
        said = complaint(settings, hurt, repair=True)
        assert told in said
        assert file.name in said
        assert "restore the table's directory from a backup" in said

    file.write_bytes(whole)
    newest_commit(hurt.lake / "daily_flows").unlink()
    assert "the ledger knows 3: commits were lost" in complaint(settings, hurt, repair=True)


def test_a_gap_in_the_log_is_named(settings, hurt):
    commits(hurt.lake / "daily_flows")[2].unlink()  # the checkpoint covers it
    assert examined(settings, hurt, repair=False) == "sound"
    for file in (hurt.lake / "daily_flows" / LOG).glob("*checkpoint*"):
        file.unlink()
    assert "00000000000000000002.json is missing" in complaint(settings, hurt)


@pytest.mark.parametrize(("summed", "told"), [(True, "is not what was written"), (False, "cannot be read")])
def test_a_bit_flipped_inside_a_name_of_the_log_is_named(settings, hurt, summed, told):
    """Whole JSON, and yet no reader can follow it: by its checksum, or by what a reader says of it."""
    for file in (hurt.lake / "daily_flows" / LOG).glob("*checkpoint*"):
        file.unlink()
    first = commits(hurt.lake / "daily_flows")[0]
    if not summed:
        sidecar(first).unlink()
    flip(first, first.read_bytes().index(b'\\"metadata') + 3)
    assert told in complaint(settings, hurt)


def test_someone_elses_commit_stops_the_next_run_until_it_is_taken_as_wanted(settings, hurt):
    DeltaTable(hurt.lake / "daily_flows").delete("customer_id = 'c2'")
    with pytest.raises(KehuError, match="not written by a run of Kehu"):
        require_sound(hurt.lake, last_versions(hurt.lake))
    assert "was not written by a run of Kehu (DELETE)" in complaint(settings, hurt)
    assert "mended" in examined(settings, hurt, repair=True)
    require_sound(hurt.lake, last_versions(hurt.lake))
    assert deltalake.DeltaTable(hurt.lake / "runs").to_pyarrow_table()["job"].to_pylist().count("doctor") == 1
    assert examined(settings, hurt, repair=False) == "sound"


def test_a_ledger_row_cut_by_a_power_loss_is_taken_back(settings, hurt):
    newest_commit(hurt.lake / "runs").write_bytes(b"")
    assert "table runs: commit" in complaint(settings, hurt)
    assert "mended" in examined(settings, hurt, repair=True)
    require_sound(hurt.lake, last_versions(hurt.lake))
    assert len(customers(hurt)) == 6


def test_what_surrounds_the_lake_is_looked_at_too(settings, hurt, monkeypatch):
    monkeypatch.setenv("JAVA_HOME", "/nowhere")
    unsafe = settings.model_copy(update={"spark": settings.spark.model_copy(
        update={"conf": {"spark.sql.files.ignoreCorruptFiles": "true"}})})
    hurt.landing.mkdir()
    hurt.landing.chmod(0o777)
    said = complaint(unsafe, hurt, repair=True)
    assert "Java: no Java found" in said
    assert "spark.sql.files.ignoreCorruptFiles to true: losses would go unnoticed" in said
    assert f"{hurt.landing}: anyone may write here" in said
