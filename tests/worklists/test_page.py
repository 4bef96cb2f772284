"""The page as text: closed in itself, its script named by its hash, everything from outside escaped."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser

import pytest

from conf import Settings
from tests.literal_worklist import literal_worklist
from worklists.page import worklist_page

ATTACK = '"><script>alert(1)</script><img src=x onerror=alert(1)>'


def in_language(settings: Settings, language: str) -> Settings:
    return settings.model_copy(update={"bank": settings.bank.model_copy(update={"language": language})})


def test_only_its_own_script_may_run_and_nothing_is_fetched(settings: Settings) -> None:
    page = worklist_page(literal_worklist(), settings).decode()

    (script,) = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', page)
    assert policy == (
        f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    )
    assert not re.search(r'(src|srcset|action|data|poster)="', page)
    assert {href[0] for href in re.findall(r'href="([^"]*)"', page)} == {"#"}
    assert "url(" not in page
    assert "@import" not in page
    assert not re.search(r"\son\w+=", page)
    assert len(page) < 2_000_000


def test_what_comes_from_outside_is_text(settings: Settings) -> None:
    attacked = literal_worklist(names={"C000101": ATTACK}, headline=ATTACK, reason=f"{ATTACK}\u202e", alert_id="AL-\"'<>")

    page = worklist_page(attacked, settings).decode()

    assert page.count("<script>") == 1
    assert "<img" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "[U+202E]" in page
    assert "\u202e" not in page


def test_an_inferred_life_event_is_not_named(settings: Settings) -> None:
    for language in ("en", "zh"):
        page = worklist_page(literal_worklist(), in_language(settings, language)).decode().lower()
        for told in ("new_parent", "new parent", "baby", "diaper", "pregnan", "life event", "新生儿", "宝宝", "怀孕"):
            assert told not in page


def test_where_safety_comes_first_nothing_else_is_talked_about(settings: Settings) -> None:
    words = settings.wording["en"]

    page = worklist_page(literal_worklist(reason=f"Money left. {words.reasons['safety']}", offers=[]), settings).decode()

    card = page.split('class="card"')[1]
    assert "Did they make this payment themselves".lower() in card.lower()
    assert words.worklist["say_abnormal_withdrawal"].splitlines()[0] not in card
    assert words.worklist["no_offer"] in card


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_tag_is_closed_and_every_field_has_a_name(settings: Settings, language: str) -> None:
    page = worklist_page(literal_worklist(), in_language(settings, language)).decode()

    checked = _Checked()
    checked.feed(page)

    assert checked.open == []
    assert "built-in method" not in page
    assert len(checked.ids) == len(set(checked.ids))
    assert f'<html lang="{"zh-CN" if language == "zh" else "en"}">' in page


def test_a_day_without_calls_says_so(settings: Settings) -> None:
    empty = literal_worklist()
    page = worklist_page(type(empty)(empty.holder, empty.day, (), 0), settings).decode()

    assert "No calls today" in page


class _Checked(HTMLParser):
    """Tags still open at the end, and ids."""

    VOID = ("meta", "input", "br", "img", "link", "hr")

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.ids += [value for name, value in attrs if name == "id" and value]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
