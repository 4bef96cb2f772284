"""Money in and out by window, type and channel, and the habits of how and when it is moved."""

from __future__ import annotations

import pyspark.sql.functions as F
from pyspark.sql import Column, DataFrame

from conf.codes import CHANNELS, Channel
from features.feature import MONEY, Feature, money, rounded, share
from features.flow_sums import DIRECTIONS, HABIT_DAYS, HABITS, OWN_MONEY, TYPES, WINDOWS, YEAR_DAYS

NAMED_CHANNELS = tuple(name for name in CHANNELS if name != "other")
DIGITAL = ("mobile", "online")
STAFFED: tuple[Channel, ...] = ("counter", "pad")
NET_WINDOWS = (30, 90, 365)
TRENDS = ((30, 90), (90, 365))  # a short window against a long one

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
_TYPE_WORDS = {
    "cash": "cash",
    "investment": "invest",
    "time_deposit": "deposit",
    "loan": "borrow",
    "card": "spend",
    "bill": "spend",
}
_NONE_MOVED = "nothing moved within the window"


FEATURES = (
    *(
        feature.over(days)
        for way, from_or_to in {"in": "from", "out": "to"}.items()
        for feature in (
            Feature(f"{way}_amount_{{days}}d", MONEY, f"money {from_or_to} others in {{days}} days", _WORDS[way], _MONEY, _SOURCE),
            Feature(
                f"{way}_count_{{days}}d",
                "BIGINT",
                f"movements {from_or_to} others in {{days}} days",
                _WORDS[way],
                "movements",
                _SOURCE,
            ),
        )
        for days in WINDOWS
    ),
    *(
        Feature(
            f"{way}_{kind}_{{days}}d",
            MONEY,
            f"{kind.replace('_', ' ')} booked {way} in {{days}} days, "
            + ("on current and savings accounts" if kind in OWN_MONEY else "own transfers aside"),
            _WORDS[_TYPE_WORDS.get(kind, way)],
            _MONEY,
            _SOURCE,
        ).over(HABIT_DAYS)
        for way, kinds in TYPES.items()
        for kind in kinds
    ),
    *(
        Feature(
            f"count_{channel}_{{days}}d",
            "BIGINT",
            f"movements by {channel} in {{days}} days",
            _WORDS["channel"],
            "movements",
            _SOURCE,
        ).over(HABIT_DAYS)
        for channel in NAMED_CHANNELS
    ),
    *(
        feature.over(HABIT_DAYS)
        for feature in (
            Feature(
                "digital_share_{days}d",
                "DOUBLE",
                "share of movements by mobile or online",
                _WORDS["channel"],
                "share",
                _SOURCE,
                null_meaning=_NONE_MOVED,
            ),
            Feature(
                "staffed_share_{days}d",
                "DOUBLE",
                "share of movements served by staff (counter, pad)",
                _WORDS["channel"],
                "share",
                _SOURCE,
                null_meaning=_NONE_MOVED,
            ),
            Feature(
                "cash_share_{days}d",
                "DOUBLE",
                "share of money out that is cash",
                _WORDS["cash"],
                "share",
                _SOURCE,
                null_meaning="nothing went out within the window",
            ),
            Feature(
                "weekend_share_{days}d",
                "DOUBLE",
                "share of movements of a Saturday or Sunday",
                _WORDS["time"],
                "share",
                _SOURCE,
                null_meaning=_NONE_MOVED,
            ),
            Feature(
                "evening_share_{days}d",
                "DOUBLE",
                "share of movements booked from 18:00 to 23:59, bank's zone",
                _WORDS["time"],
                "share",
                _SOURCE,
                null_meaning=_NONE_MOVED,
            ),
            Feature(
                "night_share_{days}d",
                "DOUBLE",
                "share of movements booked from 00:00 to 05:59, bank's zone",
                _WORDS["time"],
                "share",
                _SOURCE,
                null_meaning=_NONE_MOVED,
            ),
            Feature(
                "usual_hour_{days}d",
                "DOUBLE",
                "mean hour of the day movements are booked at, bank's zone",
                _WORDS["time"],
                "hour",
                _SOURCE,
                null_meaning=_NONE_MOVED,
            ),
            Feature(
                "largest_in_{days}d",
                MONEY,
                "largest movement from others",
                _WORDS["in"],
                _MONEY,
                _SOURCE,
                null_meaning="nothing came in within the window",
            ),
            Feature(
                "largest_out_{days}d",
                MONEY,
                "largest movement to others",
                _WORDS["out"],
                _MONEY,
                _SOURCE,
                null_meaning="nothing went out within the window",
            ),
            Feature(
                "foreign_share_{days}d",
                "DOUBLE",
                "share of movements in foreign currency",
                _WORDS["both"],
                "share",
                _SOURCE,
                null_meaning=_NONE_MOVED,
            ),
        )
    ),
    *(Feature("net_amount_{days}d", MONEY, "money in less money out", _WORDS["both"], _MONEY, _SOURCE).over(days) for days in NET_WINDOWS),
    *(
        Feature(
            f"{way}_trend_{short}d",
            "DOUBLE",
            f"money {way} a day in {short} days over that in {long} days, less 1",
            _WORDS["trend"],
            "ratio",
            _SOURCE,
            window_days=long,
            null_meaning=f"nothing {way} in {long} days",
        )
        for way in DIRECTIONS
        for short, long in TRENDS
    ),
    Feature(
        "kept_share_90d",
        "DOUBLE",
        "money in less money out over money in; below 0 where more went out",
        _WORDS["both"],
        "share",
        _SOURCE,
        90,
        null_meaning="nothing came in within the window",
    ),
    Feature(
        "days_since_movement",
        "INT",
        "days since the last movement of any kind",
        _WORDS["both"],
        "days",
        _SOURCE,
        365,
        null_meaning="none in a year",
    ),
)


def flow_features(sums: DataFrame) -> DataFrame:
    """Features of money in and out.

    Parameters
    ----------
    sums : DataFrame as `features.flow_sums.flow_sums` returns

    Returns
    -------
    DataFrame with `customer_id`, `as_of` and the features
    """
    told: dict[str, Column] = {}
    for way, kinds in TYPES.items():
        for days in WINDOWS:
            told[f"{way}_amount_{days}d"] = money(F.col(f"{way}_cents_{days}d"))
            told[f"{way}_count_{days}d"] = F.col(f"{way}_count_{days}d")
        told[f"largest_{way}_{HABIT_DAYS}d"] = money(F.array_max(F.col(f"largest_{way}")["cents"]))
        for kind in kinds:
            told[f"{way}_{kind}_{HABIT_DAYS}d"] = money(F.col(f"{way}_{kind}_cents"))
    for channel in NAMED_CHANNELS:
        told[f"count_{channel}_{HABIT_DAYS}d"] = F.col(f"count_{channel}_{HABIT_DAYS}d")
    moved_ago = F.date_diff("as_of", "last_moved_on")
    told["days_since_movement"] = F.when(moved_ago < YEAR_DAYS, moved_ago)
    needed = ("movements", *HABITS, "withdrawn_cents")
    plain = sums.select("customer_id", "as_of", *[value.alias(name) for name, value in told.items()], *needed)
    return plain.withColumns(_derived()).drop(*needed)


def _derived() -> dict[str, Column]:
    def channels(names: tuple[str, ...]) -> Column:
        return sum((F.col(f"count_{name}_{HABIT_DAYS}d") for name in names), F.lit(0))

    derived = {
        f"digital_share_{HABIT_DAYS}d": share(channels(DIGITAL), F.col("movements")),
        f"staffed_share_{HABIT_DAYS}d": share(channels(STAFFED), F.col("movements")),
        f"cash_share_{HABIT_DAYS}d": share(money(F.col("withdrawn_cents")), F.col(f"out_amount_{HABIT_DAYS}d")),
        f"usual_hour_{HABIT_DAYS}d": share(F.col("hours"), F.col("movements")),
        "kept_share_90d": share(F.col("in_amount_90d") - F.col("out_amount_90d"), F.col("in_amount_90d")),
    }
    for habit in ("evening", "night", "weekend", "foreign"):
        derived[f"{habit}_share_{HABIT_DAYS}d"] = share(F.col(habit), F.col("movements"))
    for days in NET_WINDOWS:
        derived[f"net_amount_{days}d"] = (F.col(f"in_amount_{days}d") - F.col(f"out_amount_{days}d")).cast(MONEY)
    for way in DIRECTIONS:
        for short, long in TRENDS:
            derived[f"{way}_trend_{short}d"] = trend(F.col(f"{way}_amount_{short}d"), short, F.col(f"{way}_amount_{long}d"), long)
    return derived


def trend(lately: Column, short: int, usually: Column, long: int) -> Column:
    """A day's amount in a short window over that in a long one, less 1; null where the long one is empty."""
    return rounded(F.when(usually > 0, lately.cast("double") / short / (usually.cast("double") / long) - 1))
