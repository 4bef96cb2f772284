"""Every language has every word, so that no worklist fails on the morning it is made."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from conf import load_settings
from conf.words import packaged
from tests.conf.refused import refused

WORKLISTS = Path(__file__).parents[2] / "worklists"
ENGLISH, CHINESE = "wording/en.yaml", "wording/zh.yaml"


@pytest.mark.parametrize("name", [ENGLISH, CHINESE])
def test_a_language_without_all_words_is_refused_in_its_own_file(tmp_path, name):
    key = name.replace("/", ".").removesuffix(".yaml")
    assert refused(tmp_path, "worklist: {a: b}\n", name).startswith(f"1: {key}.reasons: Field required")
    assert refused(tmp_path, "reasons: {}\nworklist: {a: b}\n", name).startswith(f"2: {key}.worklist.a: no such word")
    assert refused(tmp_path, "reasons: {}\nworklist: {}\n", name).startswith(f"2: {key}.worklist: 'calls_of' is missing; kehu.yaml can")


@pytest.mark.parametrize(("text", "key", "told"), [
    ("{zh: {worklist: {to_cal: x}}}", "zh.worklist.to_cal", "no such word"),
    ("{zh: {reasons: {topic_new_parent: x}}}", "zh.reasons.topic_new_parent", "no such word"),
    ("{en: {reasons: {cause_boat: x}}}", "en.reasons.cause_boat", "no such word"),
    ("{en: {worklist: {due: 'by {dai}'}}}", "en.worklist.due", "nothing is known to fill in for dai"),
    ("{en: {worklist: {due: 'by {day'}}}", "en.worklist.due", "braces stand only around what is filled in"),
    ("{en: {worklist: {due: 'by {day:d}'}}}", "en.worklist.due", "braces stand only around what is filled in"),
    ("{en: {worklist: {due: 'by {}'}}}", "en.worklist.due", "braces stand only around what is filled in"),
    ("{en: {reasons: {headline_more: '{amount}'}}}", "en.reasons.headline_more", "nothing is known to fill in for amount"),
    ("{en: {worklist: {sheet_calls: summary}}}", "en.worklist.sheet_calls", "two sheets cannot have one name: sheet_summary is called so"),
    ("{en: {worklist: {sheet_calls: 'a/b'}}}", "en.worklist.sheet_calls", "a sheet's name has 1 to 31 characters"),
    ("{en: {worklist: {to_call: 7}}}", "en.worklist.to_call", "Input should be a valid string"),
])
def test_a_word_that_could_not_be_said_is_refused(tmp_path, text, key, told):
    assert refused(tmp_path, f"flows: {{}}\nwording: {text}\n").startswith(f"2: wording.{key}: {told}")


def test_some_words_can_be_said_otherwise(tmp_path):
    own = {"headline_account_closure": "{amount} {currency} left{more}", "withdrawal": "{amount}", "rule_aml_case": "a case"}
    (tmp_path / "kehu.yaml").write_text(f"wording: {{en: {{reasons: {own}}}}}\n")
    mine, plain = load_settings(tmp_path).wording["en"], load_settings().wording["en"]
    assert mine.reasons == plain.reasons | own
    assert mine.worklist == plain.worklist


def test_every_word_that_code_and_pages_name_is_there():
    text = "\n".join(file.read_text("utf-8") for file in (*WORKLISTS.glob("*.py"), *WORKLISTS.glob("templates/*.j2")))
    named = {*re.findall(r"\bwords\.([a-z_0-9]+)\b(?!\()", text), *re.findall(r"""\bwords\[['"]([a-z_0-9]+)['"]\]""", text)}
    said = {word for words in packaged().values() for word in words}
    assert len(named) > 100
    assert named - said - {"worklist", "reasons"} == set()
