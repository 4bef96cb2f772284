"""A relationship manager's morning in a real browser."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from conf import Settings
from tests.literal_worklist import literal_worklist
from worklists.page import worklist_page
from worklists.returned import read_returned

DESK, PHONE = {"width": 1366, "height": 900}, {"width": 360, "height": 740}


def recorded(page: Any, count: int) -> None:
    """Wait until so many outcomes are told as recorded: the list moves when one is, and a click aimed before would miss."""
    page.locator(".progress", has_text=f"{count} of 6 recorded").wait_for()


def shows(page: Any, name: str) -> None:
    """Wait until the card of this customer is the one that is shown."""
    page.locator(".card.chosen h2", has_text=name).wait_for()


@pytest.fixture(scope="module")
def address(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> str:
    file: Path = tmp_path_factory.mktemp("page") / "RM-017.html"
    file.write_bytes(worklist_page(literal_worklist(names={"C000106": "=Sun <b>Li</b>"}), settings))
    return file.as_uri()


@pytest.fixture
def page(chromium: Any) -> Iterator[Any]:
    """A page of its own, with everything it complains of or asks the network for in `told`."""
    context = chromium.new_context(viewport=DESK, accept_downloads=True)
    page = context.new_page()
    page.told = []
    page.on("console", lambda message: page.told.append(message.text))
    page.on("pageerror", lambda error: page.told.append(str(error)))
    page.on("request", lambda request: request.url.startswith("file:") or page.told.append(request.url))
    yield page
    context.close()


def test_open_filter_read_record_and_save(page: Any, address: str, tmp_path: Path) -> None:
    page.goto(address)
    shows(page, "1 Zhang Wei")

    page.fill("#search", "closed")
    assert page.locator(".calls li:visible .name").all_inner_texts() == ["Wang Xiuying"]
    page.fill("#search", "")
    page.select_option("#type", "early_withdrawal")
    assert page.locator(".calls li:visible .name").all_inner_texts() == ["Chen Jianguo"]
    page.select_option("#type", "")

    card = page.locator(".card:visible")
    card.get_by_role("radio", name="Accepted").check()
    card.get_by_label("What the money was for").select_option("home")
    card.get_by_label("Offer talked about").select_option("mortgage")
    card.get_by_label("Note").fill("=cmd|calc, \"signed\"\nby noon")
    card.get_by_text("Next customer").click()
    shows(page, "2 Chen Jianguo")
    page.wait_for_function("document.activeElement.tagName === 'H2'")

    page.locator(".card:visible").get_by_role("radio", name="Later").check()
    page.locator(".card:visible").get_by_label("Not before").fill("2026-12-01")
    page.keyboard.press("Tab")
    recorded(page, 2)
    page.get_by_role("link", name="Liu Fang").press("Enter")  # by key: a busy machine loses a click while the list moves
    shows(page, "4 Liu Fang")
    page.locator(".card:visible").get_by_role("radio", name="Not reached").check()
    recorded(page, 3)
    page.get_by_role("link", name="Wang Xiuying").press("Enter")
    shows(page, "3 Wang Xiuying")
    page.locator(".card:visible").get_by_role("radio", name="Declined").check()
    page.locator(".card:visible").get_by_role("button", name="Clear", exact=True).click()
    assert page.locator(".progress").inner_text() == "3 of 6 recorded · 3 not yet saved"

    page.reload()  # what was recorded is still there
    assert page.locator("form.record[data-alert='AL-7K3FQ2M9-C'] [name=note]").input_value() == '=cmd|calc, "signed"\nby noon'
    page.check("#todo")
    assert page.locator(".calls li:visible").count() == 3

    with page.expect_download() as waiting:
        page.click("#save")
    waiting.value.save_as(tmp_path / waiting.value.suggested_filename)
    saved = (tmp_path / waiting.value.suggested_filename).read_bytes()
    assert waiting.value.suggested_filename == "outcomes-RM-017-2026-11-24.csv"
    assert page.locator(".progress").inner_text() == "3 of 6 recorded · all saved"
    assert saved.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(io.StringIO(saved.decode("utf-8-sig"))))
    assert [(row["alert_id"], row["outcome"], row["cause"], row["offer_id"], row["snooze_until"]) for row in rows] == [
        ("AL-7K3FQ2M9-C", "accepted", "home", "mortgage", ""),
        ("AL-2M8ZT4RX-H", "snoozed", "", "", "2026-12-01"),
        ("AL-5TY6U8JP-M", "not_reached", "", "", ""),
    ]
    assert rows[0]["note"] == "'=cmd|calc, \"signed\" by noon"
    assert {row["relationship_manager_id"] for row in rows} == {"RM-017"}
    returned = read_returned(tmp_path / "outcomes-RM-017-2026-11-24.csv")  # as `kehu outcomes` takes it
    assert [line["outcome"] for line in returned] == ["accepted", "snoozed", "not_reached"]
    assert returned[0]["note"] == "=cmd|calc, \"signed\" by noon"
    assert all(len(row["recorded_at"]) == len("2026-11-24T09:12:00+08:00") for row in rows)
    assert page.told == []


def test_a_long_page_is_ready_within_a_second(settings: Settings, chromium: Any, tmp_path: Path) -> None:
    day, again = literal_worklist(), range(5)
    calls = [replace(call, alert_id=f"{call.alert_id}{n}", place=call.place + len(day.calls) * n) for n in again for call in day.calls]
    file = tmp_path / "long.html"
    file.write_bytes(worklist_page(replace(day, calls=tuple(calls)), settings))
    assert 200_000 < file.stat().st_size < 2_000_000  # more than twice the calls of a full list
    page, took = chromium.new_page(viewport=DESK), []
    for _ in range(5):
        page.goto(file.as_uri())
        page.locator(".card.chosen").wait_for()
        took.append(page.evaluate("performance.getEntriesByType('navigation')[0].domComplete"))  # milliseconds
    page.close()
    assert min(took) < 1000  # the others may have waited for what else this machine does


def test_on_a_phone_the_list_comes_first_and_nothing_overflows(page: Any, address: str) -> None:
    page.set_viewport_size(PHONE)
    page.goto(address)
    assert page.locator(".card:visible").count() == 0
    page.get_by_role("link", name="Zhang Wei").click()
    shows(page, "1 Zhang Wei")
    page.locator("nav").wait_for(state="hidden")
    for width in (360, 768, 1280):
        page.set_viewport_size({"width": width, "height": 740})
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), width
    page.set_viewport_size(PHONE)
    page.get_by_role("link", name="← All calls").click()
    page.locator(".calls").first.wait_for()
    assert page.locator(".calls:visible").count() == 2


def test_by_keyboard_alone(page: Any, address: str) -> None:
    page.goto(address)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the list of calls"
    page.locator(".calls a").first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    shows(page, "2 Chen Jianguo")
    page.locator(".card:visible input[value=contacted]").focus()
    page.keyboard.press("Space")
    page.keyboard.press("ArrowRight")
    assert page.locator(".card:visible input:checked").get_attribute("value") == "not_reached"
    assert page.locator(".calls a[aria-current=true] .mark").inner_text() == "✓ Not reached"


def test_what_comes_up_and_the_results_are_cards_too(page: Any, address: str) -> None:
    page.goto(address)
    page.get_by_role("link", name="Coming up").click()
    shows(page, "Coming up")
    assert "Gao Lei" in page.locator(".card:visible").inner_text()
    page.get_by_role("link", name="Your results").click()
    shows(page, "Your results")
    assert "35%" in page.locator(".card:visible").inner_text()
    assert page.told == []


def test_an_injected_script_does_not_run_and_every_card_is_printed(page: Any, address: str) -> None:
    page.goto(address)
    page.evaluate("document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"window.hacked=1\">')")
    page.wait_for_timeout(100)
    assert page.evaluate("window.hacked") is None
    assert page.locator(".calls .name").last.inner_text() == "=Sun <b>Li</b>"
    page.emulate_media(media="print")
    assert page.locator(".card:visible").count() == 8  # six customers, what is coming up, and the results
