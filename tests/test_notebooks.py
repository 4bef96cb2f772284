"""The notebooks run from the first cell to the last, on a small bank, and show what they promise."""

from __future__ import annotations

import pytest

from notebooks.execute import HERE, executed


@pytest.mark.parametrize("file", sorted(HERE.glob("[0-9]*.py")), ids=lambda file: file.stem)
def test_a_notebook_runs(small_bank, monkeypatch, tmp_path, file):
    conf = tmp_path / "conf"
    conf.mkdir()
    (conf / "kehu.yaml").write_text("spark: {master: 'local[2]', driver_memory: 1g, shuffle_partitions: 2}\n")
    monkeypatch.setenv("KEHU_LAKE", str(small_bank.lake))
    monkeypatch.setenv("KEHU_CONF", str(conf))
    cells = [cell for cell in executed(file).cells if cell.cell_type == "code"]
    shown = [output for cell in cells for output in cell.outputs]
    assert sum("image/png" in output.get("data", {}) for output in shown) == 2
    said = "".join(output["text"] for output in shown if output.output_type == "stream" and output.name == "stdout")
    assert "once in" in said
    assert "Traceback" not in said
