"""Money in and out by window, type and channel, and the habits of how and when it is moved."""

from __future__ import annotations

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
OWN_MONEY = ("investment", "loan", "time_deposit")  # moves between the customer's own accounts: told where it is at their disposal
CHANNELS = ("counter", "atm", "crs", "mobile", "online", "pad", "mit")
DIGITAL = ("mobile", "online")
STAFFED = ("counter", "pad")
NET_WINDOWS = (30, 90, 365)
TRENDS = ((30, 90), (90, 365))  # a short window against a long one
EVENING, MORNING = 18, 6  # hours

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
        for channel in CHANNELS
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
                "share of movements booked on Saturday or Sunday",
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
        "share of the money in that did not go out again",
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

CELL = ("customer_id", "as_of", "window", "direction", "type", "channel", "own", "at_hand", "external")


def movement_cells(movements: DataFrame) -> DataFrame:
    """Sums and counts of a year's movements, by the shortest window that holds them; everything here adds up from these.

    Parameters
    ----------
    movements : DataFrame as `features.movements.movements` returns

    Returns
    -------
    DataFrame with `CELL` and `cents`, `largest` (amount), `n`, `latest` (age in days), `hours`, `evening`, `night`, `weekend`,
    `foreign`; sums of money in cents, as whole numbers add fast and exactly
    """
    window = F.lit(None).cast("int")
    for days in reversed(WINDOWS):
        window = F.when(F.col("age_days") < days, days).otherwise(window)
    return (
        movements.where(F.col("age_days") < WINDOWS[-1])
        .withColumn("at_hand", F.col("product_type").isin("current", "savings"))
        .groupBy(*CELL[:2], window.alias("window"), *CELL[3:])
        .agg(
            F.sum((F.col("amount_base") * 100).cast("bigint")).alias("cents"),
            F.max("amount_base").alias("largest"),
            F.count("*").alias("n"),
            F.min("age_days").alias("latest"),
            F.sum("hour").alias("hours"),
            F.count_if(F.col("hour") >= EVENING).alias("evening"),
            F.count_if(F.col("hour") < MORNING).alias("night"),
            F.count_if("weekend").alias("weekend"),
            F.count_if("foreign").alias("foreign"),
        )
    )


def flow_features(cells: DataFrame) -> DataFrame:
    """Features of money in and out.

    Parameters
    ----------
    cells : DataFrame as `movement_cells` returns

    Returns
    -------
    DataFrame with `customer_id`, `as_of` and the features
    """
    sums: dict[str, Column] = {}
    for way, direction in DIRECTIONS.items():
        moved = F.col("external") & (F.col("direction") == direction)
        for days in WINDOWS:
            sums[f"{way}_amount_{days}d"] = money(moved & within(days))
            sums[f"{way}_count_{days}d"] = count(moved & within(days))
        sums[f"largest_{way}_{HABIT_DAYS}d"] = F.max(F.when(moved & within(HABIT_DAYS), F.col("largest")))
        for kind in TYPES[way]:
            here = F.col("at_hand") if kind in OWN_MONEY else ~F.col("own")
            booked = (F.col("type") == kind) & (F.col("direction") == direction) & here
            sums[f"{way}_{kind}_{HABIT_DAYS}d"] = money(booked & within(HABIT_DAYS))
    for channel in CHANNELS:
        sums[f"count_{channel}_{HABIT_DAYS}d"] = count((F.col("channel") == channel) & within(HABIT_DAYS))
    withdrawn = F.col("external") & (F.col("direction") == "debit") & (F.col("type") == "cash")
    sums["_cash"] = money(withdrawn & within(HABIT_DAYS))
    for part in ("n", "hours", "evening", "night", "weekend", "foreign"):
        sums[f"_{part}"] = count(within(HABIT_DAYS), part)
    sums["days_since_movement"] = F.min("latest")
    summed = cells.groupBy("customer_id", "as_of").agg(*[value.alias(name) for name, value in sums.items()])
    return summed.withColumns(_derived()).drop(*[name for name in sums if name.startswith("_")])


def within(days: int) -> Column:
    """Whether a cell lies within a window."""
    return F.col("window") <= days


def money(condition: Column) -> Column:
    """Sum of money of the cells a condition holds for, 0 where there is none."""
    cents = F.coalesce(F.sum(F.when(condition, F.col("cents"))), F.lit(0))
    return (cents.cast("decimal(20,0)") / 100).cast(MONEY)


def count(condition: Column, what: str = "n") -> Column:
    """Sum of a count of the cells a condition holds for, 0 where there is none."""
    return F.coalesce(F.sum(F.when(condition, F.col(what))), F.lit(0))


def _derived() -> dict[str, Column]:
    def channels(names: tuple[str, ...]) -> Column:
        return sum((F.col(f"count_{name}_{HABIT_DAYS}d") for name in names), F.lit(0))

    derived = {
        f"digital_share_{HABIT_DAYS}d": share(channels(DIGITAL), F.col("_n")),
        f"staffed_share_{HABIT_DAYS}d": share(channels(STAFFED), F.col("_n")),
        f"cash_share_{HABIT_DAYS}d": share(F.col("_cash"), F.col(f"out_amount_{HABIT_DAYS}d")),
        f"usual_hour_{HABIT_DAYS}d": share(F.col("_hours"), F.col("_n")),
        "kept_share_90d": share(F.col("in_amount_90d") - F.col("out_amount_90d"), F.col("in_amount_90d")),
    }
    for habit in ("evening", "night", "weekend", "foreign"):
        derived[f"{habit}_share_{HABIT_DAYS}d"] = share(F.col(f"_{habit}"), F.col("_n"))
    for days in NET_WINDOWS:
        derived[f"net_amount_{days}d"] = (F.col(f"in_amount_{days}d") - F.col(f"out_amount_{days}d")).cast(MONEY)
    for way in DIRECTIONS:
        for short, long in TRENDS:
            derived[f"{way}_trend_{short}d"] = trend(F.col(f"{way}_amount_{short}d"), short, F.col(f"{way}_amount_{long}d"), long)
    return derived


def trend(lately: Column, short: int, usually: Column, long: int) -> Column:
    """A day's amount in a short window over that in a long one, less 1; null where the long one is empty."""
    return rounded(F.when(usually > 0, lately.cast("double") / short / (usually.cast("double") / long) - 1))
