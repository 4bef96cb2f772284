"""An id is found in whatever it is packed, and only where it stands whole."""

from __future__ import annotations

import gzip
import random
import zipfile

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tables.traces import CHUNK, traces


@pytest.fixture
def places(tmp_path):
    """File name -> whether CU-1 is in it."""
    nested = pa.table({"a": [[{"ref": "x"}, {"ref": "CU-1"}]], "m": pa.array([[("k", 1)]], pa.map_(pa.string(), pa.int64()))})
    pq.write_table(nested, tmp_path / "yes.parquet", compression="zstd")
    pq.write_table(pa.table({"id": ["CU-10", "CU-11", "XCU-1", None]}), tmp_path / "no.parquet")
    pq.write_table(pa.table({"id": pa.array(["CU-1"]).dictionary_encode()}), tmp_path / "yes_dictionary.parquet")
    (tmp_path / "yes.csv.gz").write_bytes(gzip.compress(b"a\nCU-1\n"))
    with zipfile.ZipFile(tmp_path / "yes.xlsx", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/sheet1.xml", "<t>CU-1</t>")
    (tmp_path / "yes_border").write_bytes(b"x" * (CHUNK - 3) + b" CU-1 ")
    (tmp_path / "yes CU-1.txt").write_text("")
    (tmp_path / "no.txt").write_text("CU-12 aCU-1 CU-1b")
    (tmp_path / "no_broken.gz").write_bytes(b"\x1f\x8bjunk")
    packed = gzip.compress(b"a" * 100)
    (tmp_path / "no_damaged.gz").write_bytes(packed[:12] + b"\xff\xff" + packed[14:])
    many = gzip.compress(b"a\nCU-1\n" + bytes(random.Random(1).randbytes(9 << 20)), compresslevel=1)
    (tmp_path / "yes_cut_later.gz").write_bytes(many[: len(many) // 2])
    locked = (tmp_path / "yes.xlsx").read_bytes().replace(b"PK\x03\x04\x14\x00\x00\x00", b"PK\x03\x04\x14\x00\x01\x00")
    (tmp_path / "no_locked.xlsx").write_bytes(locked.replace(b"PK\x01\x02\x14\x03\x14\x00\x00\x00", b"PK\x01\x02\x14\x03\x14\x00\x01\x00"))
    return tmp_path


def test_an_id_is_found_in_whatever_it_is_packed(places):
    assert sorted(file.name for file in traces(places, ["CU-1"])) == sorted(
        file.name for file in places.iterdir() if file.name.startswith("yes"))
    assert traces(places / "nowhere", ["CU-1"]) == []
