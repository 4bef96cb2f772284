"""Row rules: one Spark pass gives every row its typed values and the array of rules it broke."""

from __future__ import annotations

import re
from datetime import date

import pyspark.sql.functions as F
from pyspark.sql import Column, DataFrame

from conf.feed import Feed
from expectations.contract import VERSION, Contract, Field, Kind, Sign
from expectations.currencies import CURRENCIES, NO_DECIMALS

SOURCE, DROP, PROBLEM = "source_file", "_drop", "_problem"
CONTENT = "_content"  # hash of all that a row says: equal rows say the same
RULES, COLUMNS = "rules", "columns"
RULE_LIST = "array<struct<rule:string,column:string>>"
EARLIEST, LATEST = date(1900, 1, 2), date(2199, 12, 31)  # what lies beyond is a sentinel, not a date

ID = r"^(?!0+\z|(?i:null|none|nan|n/a|na)\z|[0-9]+(\.[0-9]+)?[eE]\+?[0-9]+\z)[A-Za-z0-9][A-Za-z0-9._:@#/|=+-]{0,63}\z"
TIME = (
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ](?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:\.[0-9]{1,9})?)?"
    r"(?:Z|[+-][0-9]{2}(?::?[0-9]{2})?)?\z"
)
ZONED = r"(?:Z|[+-][0-9]{2}(?::?[0-9]{2})?)\z"
LONGEST_ZONE = 6  # "+08:00"
# `\z` and not `$`, which in Java also stands before a newline at the end.
CARD = r"(?<![0-9])(?:[0-9]{4}[ -]?){3}[0-9]{1,7}(?![0-9])"  # 13 to 19 digits, in groups or not
SHORTEST_CARD = 13
PLAIN = r"^[ -~]*\z"  # told in half the time that looking for what is invisible takes
# Control characters, direction overrides, zero-width space and byte order mark: never part of what a text says.
INVISIBLE = "[\\u0000-\\u0008\\u000B-\\u001F\\u007F-\\u009F\\u200B\\u202A-\\u202E\\u2066-\\u2069\\uFEFF]"


def checked(landed: DataFrame, contract: Contract, feed: Feed, bank_zone: str, initial_drop: date) -> DataFrame:
    """Typed rows with what is wrong with them.

    Parameters
    ----------
    landed : DataFrame
        `line`, `_problem`, `source_file`, `_drop` and every canonical column as text.
    contract : Contract
    feed : Feed
        How the bank writes numbers, dates and enumerated values.
    bank_zone : str
        Of business dates, and of times without a zone unless the feed has its own.
    initial_drop : date
        Of the feed: rows of later drops can be too late.

    Returns
    -------
    DataFrame with `source_file`, `_drop`, `line`, the canonical columns typed, `business_date`, `_content`, `rules` (names of
    the rules a row broke, empty for good rows) and `columns` (of each rule, the column it is about)
    """
    fixed = [SOURCE, DROP, "line", PROBLEM]
    said = landed.select(*fixed, *(_said(field, feed).alias(field.name) for field in contract.fields))
    typed = said.select("*", *(_typed(field, feed, bank_zone).alias(_value(field)) for field in contract.fields))
    broken = [_broken(field, feed) for field in contract.fields]
    judged = typed.select(
        *fixed,
        _those_of(broken).alias("_broken"),
        *(F.col(_value(field)).alias(field.name) for field in contract.fields),
    ).withColumn("business_date", _business_date(contract, bank_zone))
    beyond = _those_of(_rules_beyond(contract, feed, initial_drop))
    whole = F.array(F.struct(F.col(PROBLEM).alias("rule"), F.lit("").alias("column")))
    rules = F.when(F.col(PROBLEM).isNotNull(), whole).otherwise(F.concat("_broken", beyond))
    return judged.withColumn("_rules", rules).select(
        SOURCE, DROP, "line",
        F.col("_rules.rule").alias(RULES),
        F.col("_rules.column").alias(COLUMNS),
        *contract.names,
        "business_date",
        content(contract).alias(CONTENT),
    )


def content(contract: Contract) -> Column:
    """The hash of what a typed row says. Nulls are hashed too, so that a value cannot move to a neighbouring column unseen."""
    names = [name for name in contract.names if name != VERSION.name]
    return F.xxhash64(*(part for name in names for part in (F.col(name), F.col(name).isNull())))


def _value(field: Field) -> str:
    return f"_typed_{field.name}"


def _rule(name: str, column: str) -> Column:
    return F.struct(F.lit(name).alias("rule"), F.lit(column).alias("column"))


def _those_of(broken: list[Column]) -> Column:
    """The rules that are not null; for most rows there is none, and no array is made."""
    those = F.filter(F.array(*broken), lambda rule: rule.isNotNull())
    return F.when(F.coalesce(*broken).isNotNull(), those).otherwise(F.array().cast(RULE_LIST))


def _said(field: Field, feed: Feed) -> Column:
    """The text of a column with the bank's values mapped, and of a text what can be seen; empty is null."""
    text = F.nullif(F.col(field.name), F.lit(""))
    mapped = feed.values.get(field.name)
    if mapped:
        known = F.create_map(*(F.lit(part) for pair in mapped.items() for part in pair))
        text = F.nullif(F.coalesce(F.try_element_at(known, F.coalesce(F.col(field.name), F.lit(""))), text), F.lit(""))
    if field.kind is not Kind.TEXT:
        return text
    visible = F.when(text.rlike(PLAIN), text).otherwise(F.regexp_replace(text, INVISIBLE, ""))
    return F.nullif(F.trim(visible), F.lit(""))


def _typed(field: Field, feed: Feed, bank_zone: str) -> Column:
    """A column's value; null where the text does not say one."""
    text = F.col(field.name)
    match field.kind:
        case Kind.ID:
            return F.when(text.rlike(ID), text)
        case Kind.TEXT:
            return _without_card_numbers(text) if field.free else text
        case Kind.MONEY | Kind.NUMBER:
            return F.when(text.rlike(_fits(field, feed)), _plain(text, feed).try_cast(field.spark_type))
        case Kind.INTEGER:
            return F.when(text.rlike(r"^[0-9]{1,9}\z"), text.try_cast("int"))
        case Kind.DATE:
            return F.coalesce(*(_date(text, written) for written in feed.date_formats))
        case Kind.TIME:
            return _time(text, feed.time_zone or bank_zone)
        case Kind.ENUM:
            return F.when(text.isin(*field.values), text)
        case Kind.CURRENCY:
            return F.when(text.isin(*CURRENCIES), text)
        case Kind.BOOLEAN:
            empty = F.when(text.isNull(), F.lit(field.empty).cast("boolean"))
            return empty.when(F.lower(text) == "true", True).when(F.lower(text) == "false", False)


def _without_card_numbers(text: Column) -> Column:
    """Free text with a payment card's number shortened to its last four digits."""
    number = F.regexp_extract(text, CARD, 0)
    is_card = (F.length(text) >= SHORTEST_CARD) & text.rlike(CARD) & F.call_function("luhn_check", F.regexp_replace(number, "[ -]", ""))
    return F.when(is_card, F.replace(text, number, F.concat(F.lit("****"), F.right(number, F.lit(4))))).otherwise(text)


def _broken(field: Field, feed: Feed) -> Column:
    """The rule a column broke, or null. The reason is looked for only where there is no value."""
    text, value, name = F.col(field.name), F.col(_value(field)), field.name
    empty = F.lit(None)
    if field.required:
        empty = _rule({Kind.ID: "ID_FORMAT", Kind.CURRENCY: "CURRENCY"}.get(field.kind, "REQUIRED"), name)
    unread = F.when(text.isNull(), empty).otherwise(_reason(field, feed))
    problem = F.when(value.isNull(), unread)
    if field.kind in (Kind.DATE, Kind.TIME):
        day = value if field.kind is Kind.DATE else value.cast("date")
        problem = problem.when((day < F.lit(EARLIEST)) | (day > F.lit(LATEST)), _rule("TS_RANGE", name))
    if field.sign is not Sign.ANY:
        problem = problem.when(value < 0, _rule("AMOUNT_SIGN", name))
    if field.sign is Sign.POSITIVE:
        problem = problem.when(value == 0, _rule("AMOUNT_ZERO", name))
    return problem


def _reason(field: Field, feed: Feed) -> Column:
    """Why a text says no value of its kind."""
    text, name = F.col(field.name), field.name
    match field.kind:
        case Kind.TEXT:
            return _rule("REQUIRED", name) if field.required else F.lit(None)
        case Kind.MONEY | Kind.NUMBER:
            prefix = "AMOUNT" if field.kind is Kind.MONEY else "NUMBER"
            scale = rf"{re.escape(feed.decimal_mark)}[0-9]{{{_scale(field) + 1},}}\z"
            return (
                F.when(~text.rlike(_number(feed, "*")), _rule(f"{prefix}_FORMAT", name))
                .when(text.rlike(scale), _rule(f"{prefix}_SCALE", name))
                .otherwise(_rule(f"{prefix}_OVERFLOW", name))
            )
        case Kind.DATE:
            shapes = "|".join(_date_shape(written) for written in feed.date_formats)
            return F.when(text.rlike(f"^(?:{shapes})\\z"), _rule("TS_INVALID", name)).otherwise(_rule("TS_FORMAT", name))
        case Kind.TIME:
            return F.when(text.rlike(TIME), _rule("TS_INVALID", name)).otherwise(_rule("TS_FORMAT", name))
        case Kind.ID:
            return _rule("ID_FORMAT", name)
        case Kind.CURRENCY:
            return _rule("CURRENCY", name)
        case Kind.ENUM:
            return _rule("ENUM", name)
        case Kind.INTEGER:
            return _rule("NUMBER_FORMAT", name)
        case Kind.BOOLEAN:
            return _rule("BOOLEAN", name)


def _rules_beyond(contract: Contract, feed: Feed, initial_drop: date) -> list[Column]:
    """Rules over the typed row; a null breaks none of them."""
    found = [F.when(F.expr(rule.broken), _rule(rule.name, rule.column)) for rule in contract.rules]
    day, drop, name = F.col("business_date"), F.col(DROP), contract.happened
    if not contract.may_lie_ahead:
        found.append(F.when(day > drop, _rule("TS_FUTURE", name)))
    if contract.has_horizon:
        late = (drop > F.lit(initial_drop)) & (day < F.date_sub(drop, feed.late_horizon_days))
        found.append(F.when(late, _rule("LATE_BEYOND_HORIZON", name)))
    if "currency" in contract.names:
        whole = F.col("currency").isin(*NO_DECIMALS)
        for field in contract.fields:
            if field.kind is Kind.MONEY:
                fraction = F.col(field.name) != F.floor(field.name)
                found.append(F.when(whole & fraction, _rule("AMOUNT_SCALE", field.name)))
    return found


def _business_date(contract: Contract, bank_zone: str) -> Column:
    happened = next(field for field in contract.fields if field.name == contract.happened)
    if happened.kind is Kind.DATE:
        return F.col(happened.name)
    return F.from_utc_timestamp(happened.name, bank_zone).cast("date")


def _scale(field: Field) -> int:
    return int(field.spark_type.rstrip(")").split(",")[1])


def _fits(field: Field, feed: Feed) -> str:
    """Numbers whose decimals the column can hold; the rest is a matter of overflow."""
    return _number(feed, f"{{1,{_scale(field)}}}")


def _number(feed: Feed, decimals: str) -> str:
    """ASCII digits, grouped only as declared, with one decimal mark only as declared."""
    mark = re.escape(feed.decimal_mark)
    fraction = f"(?:{mark}[0-9]+)?" if decimals == "*" else f"(?:{mark}[0-9]{decimals})?"
    grouped = "[0-9]+"
    if feed.thousands_separator:
        grouped = f"(?:[0-9]+|[0-9]{{1,3}}(?:{re.escape(feed.thousands_separator)}[0-9]{{3}})+)"
    return f"^-?{grouped}{fraction}\\z"


def _plain(text: Column, feed: Feed) -> Column:
    if feed.thousands_separator:
        text = F.replace(text, F.lit(feed.thousands_separator), F.lit(""))
    return text if feed.decimal_mark == "." else F.replace(text, F.lit(feed.decimal_mark), F.lit("."))


def _date_shape(written: str) -> str:
    return "".join({"y": "[0-9]", "M": "[0-9]", "d": "[0-9]"}.get(letter, re.escape(letter)) for letter in written)


def _date(text: Column, written: str) -> Column:
    in_shape = F.when(text.rlike(f"^{_date_shape(written)}\\z"), text)
    return in_shape.try_cast("date") if written == "yyyy-MM-dd" else F.try_to_date(in_shape, written)


def _time(text: Column, zone: str) -> Column:
    """ISO 8601 to UTC. In the hour a clock skips, the time an hour later; in the hour it repeats, the first."""
    read = F.when(text.rlike(TIME), text).try_cast("timestamp")
    return F.when(F.right(text, F.lit(LONGEST_ZONE)).rlike(ZONED), read).otherwise(F.to_utc_timestamp(read, zone))
