"""A day of one relationship manager, written out: six customers, one of every type of alert."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from worklists.alert_id import ALPHABET, is_alert_id
from worklists.customer import Customer, Facts, customer_pictures, first_month
from worklists.worklist import Worklist, worklists

DAY = date(2026, 11, 24)
RM = "RM-017"
CALLS_PER_DAY = 4

PEOPLE = (  # id, name, occupation, tier, age band, usual month in, usual month out
    ("C000101", "Zhang Wei", "Engineer", "affluent", "45-54", 42_000, 31_000),
    ("C000102", "Liu Fang", "Teacher", "mass", "35-44", 18_500, 15_200),
    ("C000103", "Chen Jianguo", "Company owner", "private", "55-64", 310_000, 268_000),
    ("C000104", "Wang Xiuying", None, "affluent", "65 and over", 11_000, 8_700),
    ("C000105", "Zhao Min", "Analyst", "mass", "25-34", 21_000, 19_800),
    ("C000106", "Sun Li", "Nurse", "mass", "35-44", 14_000, 12_900),
)
ALERTS = (  # id, customer, type, severity, priority, due in days, headline, reason, offers
    ("AL-7K3FQ2M9-C", "C000101", "abnormal_withdrawal", "high", 91, 2, "480,000 CNY went out by mobile app: 34 times the usual",
     "480,000 CNY went out on 23 Nov 2026 (by mobile app): 34 times a usual outflow of 14,000 (own outflows counted: 212). Expected "
     "about once in 61 years for this customer. Possibly a home purchase (from the wording of the payment: ask, do not assume).",
     ("mortgage", "deposit_renewal", "wealth_advisory")),
    ("AL-2M8ZT4RX-H", "C000103", "early_withdrawal", "high", 84, 0, "Time deposit of 1,200,000 CNY broken 212 days before maturity",
     "Time deposit A000103-T1 was broken on 22 Nov 2026, 212 days before its maturity on 22 Jun 2027: 1,200,000 CNY paid out, giving "
     "up about 18,400 of interest. The money has left the bank.", ("deposit_renewal", "wealth_product")),
    ("AL-9QW3E7RT-K", "C000104", "account_closure", "medium", 63, 5, "Savings account closed, 86,300 CNY paid out",
     "The savings account A000104-S1 was closed on 20 Nov 2026; 86,300 CNY was paid out. The customer keeps other accounts here.", ()),
    ("AL-5TY6U8JP-M", "C000102", "abnormal_deposit", "medium", 57, 9, "150,000 CNY came in: 8 times the usual",
     "150,000 CNY came in on 21 Nov 2026 (online): 8 times a usual inflow of 18,500 (own inflows counted: 24). Expected about once in "
     "9 years for this customer.", ("deposit_certificate", "wealth_product", "pension_plan")),
    ("AL-3B4N6M8V-R", "C000105", "life_event", "low", 44, 20, "Invite Zhao Min to a family finance review",
     "A good moment for a yearly review of savings goals and protection.", ("education_insurance", "child_growth_fund")),
    ("AL-8D2F4G6H-X", "C000106", "next_best_offer", "low", 31, 14, "A credit card would suit how Sun Li pays",
     "Pays by transfer what customers like her pay by card.", ("credit_card",)),
)
OFFERS = {
    "mortgage": ("Mortgage", 2140.0, "Financing a home leaves savings free for what comes after the purchase."),
    "deposit_renewal": ("Time deposit with a renewal rate", 386.5, "Money about to leave earns a rate better than the posted one."),
    "wealth_advisory": ("Wealth advisory", 310.0, "A review of the whole picture after a large payment."),
    "wealth_product": ("Wealth management product", 290.0, "Money free for half a year or more earns more than on the account."),
    "deposit_certificate": ("Certificate of deposit", 240.0, "A larger sum can be placed at a certificate's rate."),
    "pension_plan": ("Pension plan", 120.0, "Yearly contributions lower the tax and build a pension."),
    "education_insurance": ("Education savings insurance", 210.0, "Small monthly sums today pay for an education later."),
    "child_growth_fund": ("Growth fund savings plan", 95.0, "A monthly plan grows with time, not with size."),
    "credit_card": ("Credit card", 64.0, "Everyday spending is paid later and earns points."),
}
FLOWS = (
    ("F1", "C000101", "withdrawal", date(2026, 11, 23), 480_000),
    ("F2", "C000103", "early_withdrawal", date(2026, 11, 22), 1_200_000),
    ("F3", "C000104", "closure", date(2026, 11, 20), 86_300),
    ("F4", "C000102", "deposit", date(2026, 11, 21), 150_000),
    ("F9", "C000101", "deposit", date(2026, 4, 9), 60_000),
)
AHEAD = [
    {"holder": RM, "customer_id": "C000210", "full_name": "Gao Lei", "kind": "maturity", "due_on": date(2026, 12, 3),
     "amount": Decimal(300_000), "currency": "CNY", "interest_rate": Decimal("0.0245")},
    {"holder": RM, "customer_id": "C000101", "full_name": "Zhang Wei", "kind": "maturity", "due_on": date(2026, 12, 12),
     "amount": Decimal(504_000), "currency": "CNY", "interest_rate": Decimal("0.0215")},
    {"holder": RM, "customer_id": "C000233", "full_name": "Ma Xiaohong", "kind": "dormancy", "due_on": date(2026, 12, 9),
     "amount": None, "currency": None, "interest_rate": None},
]
RESULTS = [{"relationship_manager_id": RM, "calls": 61, "reached": 48, "accepted": 17, "declined": 19, "false_alarms": 5,
            "value": 24_310, "kept": 1_180_000}]
FLOW_OF = {"C000101": ["F1"], "C000103": ["F2"], "C000104": ["F3"], "C000102": ["F4"]}


def an_id(body: str) -> str:
    """The alert id with this body: its check character is found by trying."""
    return next(found for char in ALPHABET if is_alert_id(found := f"AL-{body}-{char}"))


def alert_rows(**changed: Any) -> list[dict[str, Any]]:
    """Rows as `worklists.selection.on_the_lists` gives them; `changed` overrides fields of the first alert."""
    rows = [_alert(index, alert) for index, alert in enumerate(ALERTS, 1)]
    rows[0] |= changed
    return rows


def facts(**names: str) -> Facts:
    """What the lake knows of the six; `names` overrides full names by customer."""
    return Facts(
        customers=[_customer(index, person, names) for index, person in enumerate(PEOPLE)],
        accounts=[account for person in PEOPLE for account in _accounts(person)],
        holdings=[
            {"customer_id": "C000101", "product_id": "equity_fund", "acquired_on": date(2024, 3, 5), "value": Decimal("62400.50")},
            {"customer_id": "C000101", "product_id": "credit_card", "acquired_on": date(2016, 7, 1), "value": None},
            {"customer_id": "C000103", "product_id": "wealth_product", "acquired_on": date(2026, 2, 11), "value": Decimal("900000")},
        ],
        months=[month for person in PEOPLE for month in _months(person)],
        abnormal=[
            {"flow_id": flow, "customer_id": who, "kind": kind, "business_date": on, "amount": Decimal(amount),
             "window_days": 1}
            for flow, who, kind, on, amount in FLOWS
        ],
        contacts=[
            {"customer_id": "C000101", "alert_id": "AL-OLD1", "recorded_at": datetime(2026, 4, 12, 2), "business_date": date(2026, 4, 12),
             "outcome": "accepted", "cause": None, "note": "Wants to be called in the evening"},
            {"customer_id": "C000103", "alert_id": "AL-OLD2", "recorded_at": datetime(2026, 9, 1, 3), "business_date": date(2026, 9, 1),
             "outcome": "declined", "cause": "competitor_rate", "note": None},
        ],
        segments=[
            {"customer_id": who, "age_band": age, "service_tier": tier, "preference": "funds", "channel_preference": "mobile"}
            for who, _, _, tier, age, _, _ in PEOPLE
        ],
        assets=[{"customer_id": p[0], "assets": p[5] * 21.0, "deposits": p[5] * 14.0} for p in PEOPLE],
    )


def literal_worklist(**changed: Any) -> Worklist:
    """The one worklist of the day."""
    names = changed.pop("names", {})
    pictures: dict[str, Customer] = customer_pictures(facts(**names), DAY)
    return worklists(alert_rows(**changed), pictures, DAY, CALLS_PER_DAY, AHEAD, RESULTS)[0]


def _alert(place: int, alert: tuple[Any, ...]) -> dict[str, Any]:
    alert_id, who, kind, severity, priority, due, headline, reason, offers = alert
    return {
        "alert_id": alert_id, "customer_id": who, "relationship_manager_id": RM, "holder": RM, "place": place, "in_all": 9,
        "type": kind, "severity": severity, "priority": priority, "raised_on": DAY - timedelta(days=1),
        "due_by": DAY + timedelta(days=due), "status": "contacted" if place == 4 else "open", "headline": headline, "reason": reason,
        "evidence": [{"kind": "transaction", "ref": f"T{place}77001", "business_date": date(2026, 11, 23),
                      "amount": Decimal("480000.00"), "note": "by mobile app, to BRIGHT HOMES DEVELOPER"}],
        "offers": [
            {"offer_id": o, "name": OFFERS[o][0], "probability": 0.1, "expected_value": OFFERS[o][1], "reason": OFFERS[o][2]}
            for o in offers
        ],
        "flow_ids": FLOW_OF.get(who, []), "change": "On 23 Nov 2026 more was added." if place == 2 else None,
    }


def _customer(index: int, person: tuple[Any, ...], names: dict[str, str]) -> dict[str, Any]:
    who, name, occupation, *_ = person
    return {
        "customer_id": who, "full_name": names.get(who, name), "relationship_manager_id": RM, "joined_on": date(2012 + index, 5, 2),
        "occupation": occupation, "region": "Shanghai", "marketing_consent": who != "C000104",
    }


def _accounts(person: tuple[Any, ...]) -> list[dict[str, Any]]:
    who, *_, money_in, _ = person
    number = f"A{who[1:]}"
    shared = {"customer_id": who, "currency": "CNY", "maturity_on": None, "interest_rate": None}
    return [
        shared | {"account_id": f"{number}-C1", "product_type": "current", "balance": Decimal(money_in) * 2},
        shared | {"account_id": f"{number}-T2", "product_type": "time_deposit", "balance": Decimal(money_in) * 12,
                  "maturity_on": DAY + timedelta(days=18), "interest_rate": Decimal("0.0215")},
        shared | {"account_id": f"{number}-T3", "product_type": "time_deposit", "balance": Decimal(money_in) * 7,
                  "maturity_on": DAY + timedelta(days=240), "interest_rate": Decimal("0.0245")},
    ]


def _months(person: tuple[Any, ...]) -> list[dict[str, Any]]:
    who, *_, money_in, money_out = person
    rows = []
    for back in range(11, -1, -1):
        wave = Decimal(90 + (back * 37 + len(who) * 11 + money_in) % 23) / 100
        rows.append({
            "customer_id": who, "first_day": first_month(DAY, back), "money_in": money_in * wave,
            "money_out": money_out * (Decimal("1.9") - wave) / Decimal("0.9"),
        })
    for flow, owner, kind, on, amount in FLOWS:
        if owner == who and kind in ("withdrawal", "deposit"):
            row = next(row for row in rows if row["first_day"] == on.replace(day=1))
            row["money_out" if kind == "withdrawal" else "money_in"] += Decimal(amount) if flow else 0
    return rows
