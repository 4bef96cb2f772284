"""A configuration is exactly as declared, or refused with file, line and key, before anything starts."""

from __future__ import annotations

from decimal import Decimal

import pytest

from conf import KehuError, conf_hash, load_settings
from tests.conf.refused import refused


@pytest.mark.parametrize(("text", "told"), [
    ("flows:\n  min_amout: 1\n", "2: flows.min_amout: there is no such setting; did you mean min_amount?"),
    ("flows:\n  min_amount: much\n", "2: flows.min_amount: Input should be a valid decimal"),
    ("\nflows:\n  baseline_days: 5\n", "3: flows.baseline_days: Input should be greater than or equal to 30"),
    ("flows:\n  min_spread: .nan\n", "2: flows.min_spread: Input should be a finite number"),
    ("flows:\n  min_amount: 1\n  min_amount: 2\n", "3: min_amount: written twice"),
    ("bank:\n  time_zone: Mars/Olympus\n", "2: bank.time_zone: Value error, unknown time zone 'Mars/Olympus'"),
    ("spark:\n  conf:\n    fs.s3a.secret.key: abc\n", "3: fs.s3a.secret.key: secrets do not belong in configuration"),
    ("bank: [1,\n", "2: not YAML"),
    ("- a\n", "1: expected keys and values"),
    ("bank: !!python/object/apply:os.system ['true']\n", "1: not YAML"),
    ("flows: {}\nbank:\n  language: fr\n", "3: bank.language: Input should be 'en' or 'zh'"),
    ("contact_policy:\n  max_contacts:\n    30: 2\n    90: -1\n", "4: contact_policy.max_contacts.90: Input should be greater than"),
    ("flows:\n  windows_days:\n  - 1\n  - 0\n", "4: flows.windows_days.1: Input should be greater than 0"),
    ("flows:\n  min_amount: !!float x\n", "1: not YAML: "),
])
def test_what_is_wrong_is_told_with_its_line_and_key(tmp_path, text, told):
    assert refused(tmp_path, text).startswith(told)


def test_named_things_are_refused_in_their_own_file(tmp_path):
    assert refused(tmp_path, "\nencoding: klingon\n", "feeds/transactions.yaml").startswith(
        "2: feeds.transactions.encoding: Value error, unknown encoding 'klingon'")


def test_what_a_file_lacks_is_told_of_that_file(tmp_path):
    assert refused(tmp_path, "name: {en: Yacht}\n", "offers/yacht.yaml").startswith("1: offers.yacht.family: Field required")


def test_what_a_file_is_laid_over_may_be_wrong_itself(tmp_path):
    (tmp_path / "offers").mkdir()
    (tmp_path / "offers" / "mortgage.yaml").write_text("family: loan\n")
    assert refused(tmp_path, "bank: {name: Us}\noffers: 5\n").startswith("2: offers: Input should be a valid dictionary")


def test_a_file_too_large_or_a_directory_that_is_not_there_is_refused(tmp_path):
    assert refused(tmp_path, "#" * (1 << 21)) == " larger than 1048576 bytes, not a configuration file"
    with pytest.raises(KehuError, match="nowhere does not exist"):
        load_settings(tmp_path / "nowhere")


def test_a_banks_directory_is_laid_over_the_packaged_one(tmp_path):
    plain = load_settings()
    assert load_settings(tmp_path) == plain
    (tmp_path / "kehu.yaml").write_text("flows:\n  min_amount: 777\n")
    (tmp_path / "feeds").mkdir()
    (tmp_path / "feeds" / "transactions.yaml").write_text("encoding: gb18030\n")
    mine = load_settings(tmp_path)
    assert mine.flows.min_amount == Decimal(777)
    assert mine.flows.causes == plain.flows.causes, "other keys stay"
    assert mine.feeds["transactions"].encoding == "gb18030"
    assert mine.feeds["accounts"] == plain.feeds["accounts"]


def test_equal_settings_have_equal_hashes_whatever_files_they_came_from(tmp_path):
    (tmp_path / "kehu.yaml").write_text("bank: {language: en}\n")
    assert conf_hash(load_settings(tmp_path)) == conf_hash(load_settings())
    larger = "{master: 'local[8]', driver_memory: 16g, java_options: '-XX:+UseG1GC', shuffle_partitions: 32}"
    (tmp_path / "kehu.yaml").write_text(f"spark: {larger}\npaths: {{lake: /bank}}\n")
    assert conf_hash(load_settings(tmp_path)) == conf_hash(load_settings()), "a larger machine changes no row"
    for other in ("bank: {language: zh}", "spark: {conf: {spark.sql.ansi.enabled: 'false'}}"):
        (tmp_path / "kehu.yaml").write_text(other + "\n")
        assert conf_hash(load_settings(tmp_path)) != conf_hash(load_settings())


def test_settings_cannot_be_changed():
    with pytest.raises(ValueError, match="frozen"):
        load_settings().flows.min_amount = Decimal(1)
