"""What a bank may configure of a feed; what it may not is refused with file and line (`tests/conf/test_settings.py`)."""

from __future__ import annotations

import re
from pathlib import Path

from conf import Settings, load_settings
from conf.feed import Feed
from expectations import CONTRACTS, Repeats
from expectations.configured import CORRECTABLE, contract_of, misfits

DOCS = Path(__file__).parents[2] / "docs"


def test_a_corrected_feed_has_a_version_and_no_other_has(settings: Settings) -> None:
    feeds = {name: Feed() for name in CONTRACTS} | {name: Feed(corrections=True, names={"version": "Stand"}) for name in CORRECTABLE}
    assert list(misfits(settings.model_copy(update={"feeds": feeds}))) == []
    for name in CORRECTABLE:
        plain, corrected = contract_of(name, Feed()), contract_of(name, Feed(corrections=True))
        assert corrected.names == (*plain.names, "version")
        assert (plain.repeats, corrected.repeats) == (Repeats.EVENT, Repeats.CORRECTION)


def test_the_documented_example_is_accepted(tmp_path: Path) -> None:
    [(name, text)] = re.findall(r"```yaml\n# conf/(\S+)\n(.*?)```", (DOCS / "ingest.md").read_text("utf-8"), re.DOTALL)
    file = tmp_path / name
    file.parent.mkdir()
    file.write_text(text, encoding="utf-8")
    assert load_settings(tmp_path, misfits).feeds[file.stem].delimiter == ";"
