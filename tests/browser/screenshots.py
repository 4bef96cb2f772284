"""Makes the pictures of `docs/images` from the literal day: `python -m tests.browser.screenshots`.

Needs Chromium, Pillow and a font for Chinese.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import sync_playwright

from conf import Settings, load_settings
from tests.literal_worklist import DAY, literal_worklist
from worklists.customer_picture import OpenAlert, Picture, customer_page
from worklists.page import worklist_page
from worklists.team import Team, team_page
from worklists.worklist import TYPES, Call, Offered, Worklist

IMAGES = Path(__file__).parents[2] / "docs" / "images"
CHINESE = {  # what the reasons and headlines of the literal day are in a Chinese bank
    "C000101": ("张伟", "工程师", "480,000 CNY转出，远高于平常",
                "2026年11月23日转出480,000CNY（手机银行）：为该客户平常单笔流出14,000的34倍（统计212次本人流出）。"
                "对该客户而言，约61年一遇。可能原因：购房（根据付款附言推测，请询问确认）。"),
    "C000103": ("陈建国", "企业主", "定期存款提前支取1,200,000 CNY",
                "定期存款A000103-T1于2026年11月22日提前支取，距2027年6月22日到期还有212天："
                "支取1,200,000CNY，约放弃利息18,400。资金已流出我行。"),
    "C000104": ("王秀英", None, "储蓄账户销户，支付86,300 CNY", "储蓄账户A000104-S1于2026年11月20日销户，支付86,300CNY。"),
    "C000102": ("刘芳", "教师", "150,000 CNY转入，远高于平常",
                "2026年11月21日转入150,000CNY（网上银行）：为该客户平常单笔流入18,500的8倍。"),
    "C000105": ("赵敏", "分析师", "邀请客户做年度理财回顾", "适合做一次储蓄目标与保障的年度回顾。"),
    "C000106": ("孙丽", "护士", "信用卡：现在值得一谈", "客户常用转账支付同类客户用卡支付的消费。"),
}


def main() -> None:
    if not subprocess.run(["fc-list", ":lang=zh-cn"], capture_output=True, text=True, check=True).stdout:
        raise SystemExit("no font for Chinese: boxes would stand for words; Debian, Ubuntu: apt-get install fonts-noto-cjk")
    english = load_settings()
    chinese = english.model_copy(update={"bank": english.bank.model_copy(update={"language": "zh"})})
    worklist, folder = literal_worklist(), Path(tempfile.mkdtemp())
    (folder / "en.html").write_bytes(worklist_page(worklist, english))
    (folder / "zh.html").write_bytes(worklist_page(_in_chinese(worklist, chinese), chinese))
    (folder / "team.html").write_bytes(team_page(_team(), english))
    (folder / "customer.html").write_text(customer_page(_picture(worklist.calls[0]), english), encoding="utf-8")
    IMAGES.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for name, file, width, height, dark in (
            ("worklist-desktop", "en.html", 1366, 1000, False),
            ("worklist-dark", "en.html#AL-2M8ZT4RX-H", 1366, 1000, True),
            ("worklist-chinese", "zh.html", 1366, 1000, False),
            ("worklist-phone", "en.html", 360, 740, False),
            ("worklist-phone-card", "en.html#AL-7K3FQ2M9-C", 360, 1400, False),
            ("customer", "customer.html", 1200, 1100, False),
            ("team", "team.html", 1280, 900, False),
        ):
            page = browser.new_page(viewport={"width": width, "height": height}, color_scheme="dark" if dark else "light")
            address, _, chosen = file.partition("#")
            page.goto(f"{folder.as_uri()}/{address}")
            if chosen:
                page.locator(f'.calls a[href="#{chosen}"]').click()
            page.wait_for_timeout(300)
            page.screenshot(path=folder / f"{name}.png")
            _small(folder / f"{name}.png", IMAGES / f"{name}.png")
        page = browser.new_page(viewport={"width": 1366, "height": 1000})
        page.goto(f"{folder.as_uri()}/en.html")
        _record(page)
        page.locator(".card:visible .record").screenshot(path=folder / "record.png")
        _small(folder / "record.png", IMAGES / "worklist-record.png")
        browser.close()


def _record(page: Any) -> None:
    card = page.locator(".card:visible")
    card.get_by_role("radio", name="Accepted").check()
    card.get_by_label("What the money was for").select_option("home")
    card.get_by_label("Offer talked about").select_option("mortgage")
    card.get_by_label("Note").fill("Buying in March, wants a quote by Friday")
    card.get_by_label("Note").blur()


def _in_chinese(worklist: Worklist, settings: Settings) -> Worklist:
    def told(call: Call) -> Call:
        name, occupation, headline, reason = CHINESE[call.customer.customer_id]
        shelf = settings.offers
        offers = tuple(replace(o, name=shelf[o.offer_id].name["zh"], reason=shelf[o.offer_id].reason["zh"]) for o in call.offers)
        contacts = tuple(replace(contact, note=None) for contact in call.customer.contacts)
        customer = replace(call.customer, name=name, occupation=occupation, contacts=contacts)
        return replace(call, customer=customer, headline=headline, reason=reason, offers=offers, change=None)

    return replace(worklist, calls=tuple(told(call) for call in worklist.calls))


def _picture(call: Call) -> Picture:
    alert = OpenAlert(call.alert_id, call.type, call.due_by, call.headline, call.reason, call.flow_ids)
    offers: tuple[Offered, ...] = call.offers
    return Picture(DAY, call.customer, (alert,), offers, ("Household budget, saving plans, protection",))


def _team() -> Team:
    """A made-up month of ten RMs."""
    names = [f"RM-{number:03d}" for number in range(11, 21)]

    def load(name: str, n: int) -> dict[str, Any]:
        return {"by": name, "listed": 5 + n * 7 % 11, "new": 2 + n % 3, "urgent": n % 3, "oldest_on": DAY - timedelta(days=2 + n * 5 % 9),
                "expired": n % 4}

    def worked(name: str, n: int, by: str) -> dict[str, Any]:
        return {by: name, "calls": 41 + n * 13 % 29, "reached": 27 + n * 11 % 13, "accepted": 9 + n * 5 % 9, "declined": 12,
                "false_alarms": n * 3 % 5, "value": 11_200 + n * 1_930, "kept": 90_000 * (n * 7 % 12)}

    return Team.of({
        "load_by_rm": [load(name, n) for n, name in enumerate((*names, "branch"))],
        "results_by_rm": [worked(name, n, "relationship_manager_id") for n, name in enumerate(names)],
        "load_by_branch": [load(name, n) for n, name in enumerate(("B001", "B002", "B007"))],
        "results_by_branch": [worked(name, n, "branch") for n, name in enumerate(("B001", "B002", "B007"))],
        "load_by_type": [load(kind, n) for n, kind in enumerate(TYPES)],
        "results_by_type": [worked(kind, n, "type") for n, kind in enumerate(TYPES)],
        "held_back": [{"rule": rule, "alerts": count} for rule, count in
                      (("contact_fatigue", 19), ("control_group", 4), ("min_priority", 31), ("restriction", 2))],
    }, DAY)


def _small(source: Path, target: Path) -> None:
    Image.open(source).convert("RGB").quantize(128, dither=Image.Dither.NONE).save(target, optimize=True)


if __name__ == "__main__":
    main()
