"""Money in and out by window, type and channel, and the habits of how and when it is moved."""

from __future__ import annotations

from collections.abc import Callable

import pyspark.sql.functions as F
from pyspark.sql import Column, DataFrame

from features.feature import MONEY, Feature, rounded, share

WINDOWS = (1, 7, 30, 90, 180, 365)
HABIT_DAYS = 90  # of types, channels and times of day
DIRECTIONS = {"in": "credit", "out": "debit"}
TYPES = {  # what is moved in each direction
    "in": ("cash", "transfer", "salary", "interest", "investment", "loan", "time_deposit"),
    "out": ("cash", "transfer", "card", "bill", "fee", "investment", "loan", "time_deposit"),
}
CHANNELS = ("counter", "atm", "crs", "mobile", "online", "pad", "mit")
DIGITAL = ("mobile", "online")
STAFFED = ("counter", "pad")

_SOURCE = "transactions, accounts, fx_rates"
_MONEY = "base currency"
_WORDS = {
    "in": {"en": "money coming in", "zh": "资金流入"},
    "out": {"en": "money going out", "zh": "资金流出"},
    "both": {"en": "how much moves through the accounts", "zh": "账户资金活跃度"},
    "channel": {"en": "use of branch, machines and app", "zh": "渠道使用习惯"},
    "cash": {"en": "use of cash", "zh": "现金使用"},
    "invest": {"en": "moves into and out of investments", "zh": "投资资金进出"},
    "deposit": {"en": "moves into and out of time deposits", "zh": "定期存款进出"},
    "borrow": {"en": "borrowing and repaying", "zh": "借款与还款"},
    "spend": {"en": "spending by card and bills", "zh": "刷卡与缴费支出"},
    "time": {"en": "when money is moved", "zh": "交易时间习惯"},
    "trend": {"en": "change in money coming in and going out", "zh": "资金进出变化"},
}
_TYPE_WORDS = {"cash": "cash", "investment": "invest", "time_deposit": "deposit", "loan": "borrow", "card": "spend", "bill": "spend"}
_NONE_MOVED = "nothing moved within the window"


def _amount(way: str, what: str) -> str:
    return f"money {way} by {what}" if what else f"money {way}: what came from or went to others"


FEATURES = (
    *(
        feature.over(days)
        for way, from_or_to in {"in": "from", "out": "to"}.items()
        for feature in (
            Feature(f"{way}_amount_{{days}}d", MONEY, f"money {from_or_to} others in {{days}} days", _WORDS[way], _MONEY, _SOURCE),
            Feature(f"{way}_count_{{days}}d", "BIGINT", f"movements {from_or_to} others in {{days}} days", _WORDS[way], "movements",
                    _SOURCE),
        )
        for days in WINDOWS
    ),
    *(
        Feature(f"{way}_{kind}_{{days}}d", MONEY, f"{kind.replace('_', ' ')} booked {way} in {{days}} days, own transfers aside",
                _WORDS[_TYPE_WORDS.get(kind, way)], _MONEY, _SOURCE).over(HABIT_DAYS)
        for way, kinds in TYPES.items()
        for kind in kinds
    ),
    *(
        Feature(f"count_{channel}_{{days}}d", "BIGINT", f"movements by {channel} in {{days}} days", _WORDS["channel"], "movements",
                _SOURCE).over(HABIT_DAYS)
        for channel in CHANNELS
    ),
    *(
        feature.over(HABIT_DAYS)
        for feature in (
            Feature("digital_share_{days}d", "DOUBLE", "share of movements by mobile or online", _WORDS["channel"], "share", _SOURCE,
                    null_meaning=_NONE_MOVED),
            Feature("staffed_share_{days}d", "DOUBLE", "share of movements served by staff (counter, pad)", _WORDS["channel"], "share",
                    _SOURCE, null_meaning=_NONE_MOVED),
            Feature("cash_share_{days}d", "DOUBLE", "share of money out that is cash", _WORDS["cash"], "share", _SOURCE,
                    null_meaning="nothing went out within the window"),
            Feature("weekend_share_{days}d", "DOUBLE", "share of movements booked on Saturday or Sunday", _WORDS["time"], "share",
                    _SOURCE, null_meaning=_NONE_MOVED),
            Feature("evening_share_{days}d", "DOUBLE", "share of movements booked from 18:00 to 23:59, bank's zone", _WORDS["time"],
                    "share", _SOURCE, null_meaning=_NONE_MOVED),
            Feature("night_share_{days}d", "DOUBLE", "share of movements booked from 00:00 to 05:59, bank's zone", _WORDS["time"],
                    "share", _SOURCE, null_meaning=_NONE_MOVED),
            Feature("usual_hour_{days}d", "DOUBLE", "mean hour of the day movements are booked at, bank's zone", _WORDS["time"],
                    "hour", _SOURCE, null_meaning=_NONE_MOVED),
            Feature("largest_in_{days}d", MONEY, "largest movement from others", _WORDS["in"], _MONEY, _SOURCE,
                    null_meaning="nothing came in within the window"),
            Feature("largest_out_{days}d", MONEY, "largest movement to others", _WORDS["out"], _MONEY, _SOURCE,
                    null_meaning="nothing went out within the window"),
            Feature("foreign_share_{days}d", "DOUBLE", "share of movements in foreign currency", _WORDS["both"], "share", _SOURCE,
                    null_meaning=_NONE_MOVED),
        )
    ),
    *(
        Feature("net_amount_{days}d", MONEY, "money in less money out", _WORDS["both"], _MONEY, _SOURCE).over(days)
        for days in (30, 90, 365)
    ),
    *(
        Feature(f"{way}_trend_{short}d", "DOUBLE", f"money {way} a day in {short} days over that in {long} days, less 1",
                _WORDS["trend"], "ratio", _SOURCE, window_days=long, null_meaning=f"nothing {way} in {long} days")
        for way in DIRECTIONS
        for short, long in ((30, 90), (90, 365))
    ),
    Feature("kept_share_90d", "DOUBLE", "share of the money in that did not go out again", _WORDS["both"], "share", _SOURCE, 90,
            null_meaning="nothing came in within the window"),
    Feature("days_since_movement", "INT", "days since the last movement of any kind", _WORDS["both"], "days", _SOURCE, 365,
            null_meaning="none in a year"),
)  # fmt: skip

CELL = ("customer_id", "as_of", "age_days", "direction", "type", "channel", "external", "foreign", "hour", "weekend")
