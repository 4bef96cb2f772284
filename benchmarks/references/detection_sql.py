"""How rare a day's flows are for whom they are of, and which are told as abnormal, in SQL, for Spark and DuckDB."""

from __future__ import annotations

import math
from datetime import timedelta

from benchmarks.references.columns import DEPOSITS
from benchmarks.references.dialect import Asked, number
from benchmarks.references.flows_sql import UNIT, counts, sums
from benchmarks.references.payment_days import payment_days
from benchmarks.references.segments_sql import band

BANDS = "age_band, income_band, account_types"
SERIES = "direction, window_days"
NORMAL_IQR, STEADY, LEAST_BETWEEN, DAYS_A_YEAR = 1.349, 10, 0.05, 365.25
HERMITE = ((0.0, 2 / 3), (math.sqrt(3), 1 / 6), (-math.sqrt(3), 1 / 6))


def detection_steps(asked: Asked) -> dict[str, str]:
    """Name -> SQL, over the steps of `flows_sql`, `accounts` and `customers`."""
    look, flows = asked.look, asked.settings.flows
    usual = counts(asked, f"standing_{look.before}", look.baseline_day)
    return {
        "usual_counts": usual,
        "members": _members(asked),
        "own": _quartiles(f"customer_id, {SERIES}", "usual_counts", flows.bin_ratio),
        **_peers(asked),
        "scored": _scored(asked),
        "judged": f"""
            SELECT {UNIT}, surprise, max(log_odds) AS log_odds FROM (
                SELECT *, max(surprise) OVER (PARTITION BY {UNIT}) AS most FROM scored
            ) AS each WHERE surprise = most GROUP BY {UNIT}, surprise""",
        "abnormal": f"""
            SELECT * FROM (SELECT *, row_number() OVER (PARTITION BY {UNIT} ORDER BY window_days) AS nth FROM scored
                WHERE {_is_abnormal(asked)}) AS told WHERE nth = 1""",
        "abnormal_flows": f"""
            SELECT customer_id, business_date, CASE direction WHEN 'debit' THEN 'withdrawal' ELSE 'deposit' END AS kind, window_days,
                   amount, usual_amount, return_period_years, observations, peer_group, peer_weight, log_odds,
                   {_severity(asked)} AS severity
            FROM abnormal WHERE business_date >= DATE '{look.told_from}'""",
        "around": f"""
            SELECT {UNIT}, age, amount, unusual_amount, transactions, flagged, false AS is_changed FROM standing_now
            {asked.dialect.anti} JOIN changed USING ({UNIT})
            UNION ALL SELECT {UNIT}, age, amount, unusual_amount, transactions, false, true FROM changed""",
        "flagged_now": """
            SELECT DISTINCT u.customer_id, u.business_date, u.direction FROM around u JOIN abnormal a
              ON u.customer_id = a.customer_id AND u.direction = a.direction AND u.age - a.age BETWEEN 0 AND a.window_days - 1""",
        "daily_flows": f"""
            SELECT {UNIT}, amount, unusual_amount, transactions, flagged OR p.customer_id IS NOT NULL AS flagged, j.surprise, j.log_odds
            FROM around LEFT JOIN judged j USING ({UNIT}) LEFT JOIN flagged_now p USING ({UNIT})
            WHERE is_changed OR (p.customer_id IS NOT NULL AND NOT flagged)
            UNION ALL SELECT {UNIT}, amount, unusual_amount, transactions, false, surprise, NULL
            FROM around JOIN unflagged USING ({UNIT}) WHERE flagged""",
        "standing_after": f"""
            SELECT {UNIT}, age, unusual_amount,
                   CASE WHEN flagged THEN n.customer_id IS NULL ELSE p.customer_id IS NOT NULL END AS flagged
            FROM around LEFT JOIN flagged_now p USING ({UNIT}) LEFT JOIN unflagged n USING ({UNIT})""",
        "flow_baselines": f"""
            SELECT customer_id, {SERIES}, {asked.dialect.bins} AS bins
            FROM ({counts(asked, "standing_after", asked.day)}) AS counted GROUP BY customer_id, {SERIES}""",
    }


def _members(asked: Asked) -> str:
    """Customers with deposits: their peers, and for how long they could have had flows by the baseline's day."""
    bands, at = asked.settings.segments.bands, (asked.day - asked.look.baseline_day).days
    start = max(asked.look.data_start, asked.look.baseline_day - timedelta(days=asked.settings.flows.baseline_days - 1))
    return f"""
        SELECT customer_id, {band(asked.years("birth_date"), bands.age)} AS age_band, {band("annual_income", bands.income)} AS income_band,
               greatest(least(first_ago, {(asked.day - start).days}) - greatest(last_ago, {at}) + 1, 0) AS exposure_days,
               greatest(first_ago - {at} + 1, 0) AS tenure_days, coalesce(annual_income, 0) AS income,
               CASE WHEN current_ones > 0 AND savings_ones > 0 THEN 'current and savings' WHEN current_ones > 0 THEN 'current'
                    WHEN savings_ones > 0 THEN 'savings' ELSE 'time deposit' END AS account_types
        FROM customers JOIN (
            SELECT customer_id, max({asked.age("opened_on")}) AS first_ago, min(coalesce({asked.age("closed_on")}, {at})) AS last_ago,
                   sum(CASE WHEN product_type = 'current' THEN 1 ELSE 0 END) AS current_ones,
                   sum(CASE WHEN product_type = 'savings' THEN 1 ELSE 0 END) AS savings_ones
            FROM accounts WHERE product_type IN {DEPOSITS} AND (closed_on IS NULL OR closed_on >= DATE '{start}') GROUP BY customer_id
        ) AS held USING (customer_id)"""


def _quartiles(keys: str, counted: str, ratio: float) -> str:
    """Of log amounts, as if they lay evenly within each bin."""
    found = ", ".join(f"max(CASE WHEN below < {share} * total AND {share} * total <= below + n THEN "
                      f"(bin + ({share} * total - below) / n) * {number(math.log(ratio))} END) AS {name}"
                      for name, share in (("q25", "0.25e0"), ("median", "0.5e0"), ("q75", "0.75e0")))
    return f"""
        SELECT {keys}, max(total) AS n, {found} FROM (
            SELECT {keys}, bin, n, sum(n) OVER (PARTITION BY {keys}) AS total,
                   sum(n) OVER (PARTITION BY {keys} ORDER BY bin ROWS UNBOUNDED PRECEDING) - n AS below
            FROM {counted}
        ) AS placed GROUP BY {keys}"""


def _peers(asked: Asked) -> dict[str, str]:
    """Of each combination of bands the finest group that is large enough, and what is usual in it."""
    groups = ("concat(age_band, ' · ', income_band, ' · ', account_types)", "concat(age_band, ' · ', income_band)", "age_band",
              "'all customers'")
    levels = " UNION ALL ".join(f"SELECT {BANDS}, {level} AS level, {group} AS peer_group, members, days FROM cells"
                                for level, group in enumerate(groups))
    spread = number(NORMAL_IQR)
    return {
        "cells": f"SELECT {BANDS}, count(*) AS members, sum(exposure_days) AS days FROM members GROUP BY {BANDS}",
        "levels": f"""
            SELECT *, sum(members) OVER (PARTITION BY peer_group) AS size, sum(days) OVER (PARTITION BY peer_group) AS exposure
            FROM ({levels}) AS each""",
        "finest": f"""
            SELECT {BANDS}, peer_group, exposure FROM (
                SELECT *, row_number() OVER (PARTITION BY {BANDS} ORDER BY level) AS nth FROM levels
                WHERE size >= {asked.settings.flows.min_peers} OR level = 3
            ) AS enough WHERE nth = 1""",
        "of_groups": f"SELECT DISTINCT {BANDS}, peer_group FROM levels {asked.dialect.semi} JOIN finest USING (peer_group)",
        "peer_counts": f"""
            SELECT peer_group, {SERIES}, bin, sum(n) AS n FROM usual_counts JOIN members USING (customer_id) JOIN of_groups USING ({BANDS})
            GROUP BY peer_group, {SERIES}, bin""",
        "peer_usual": _quartiles(f"peer_group, {SERIES}", "peer_counts", asked.settings.flows.bin_ratio),
        "steady": f"""
            SELECT peer_group, {SERIES}, power(median((q75 - q25) / {spread}), 2) AS steady
            FROM own JOIN members USING (customer_id) JOIN of_groups USING ({BANDS}) WHERE n >= {STEADY} GROUP BY peer_group, {SERIES}""",
        "peers": f"""
            SELECT {BANDS}, {SERIES}, peer_group, median AS peer_median, least(coalesce(steady, whole), whole) AS within,
                   greatest(whole - least(coalesce(steady, whole), whole), {number(LEAST_BETWEEN)}) AS between_members,
                   CAST(n AS double) / greatest(exposure, 1) AS peer_rate
            FROM finest JOIN (SELECT *, power((q75 - q25) / {spread}, 2) AS whole FROM peer_usual) AS u USING (peer_group)
            LEFT JOIN steady USING (peer_group, {SERIES})""",
    }  # fmt: skip


def _scored(asked: Asked) -> str:
    """The sums of what changed, and of the days after it whose longer sums hold it, with how rare they are."""
    flows = asked.settings.flows
    after = max(flows.windows_days) - 1 if asked.look.since else 0
    settled = f"coalesce(o.n, 0) * least(CAST(tenure_days AS double) / {flows.settling_days}, CAST(1 AS double))"
    own_variance = f"coalesce(power((q75 - q25) / {number(NORMAL_IQR)}, 2), 0)"
    prior, nu = number(float(flows.prior_observations)), flows.tail_degrees_of_freedom
    above = [f"(multiple - {number(point)} * unknown)" for point, _ in HERMITE]
    beyond = " + ".join(f"{number(share)} * {_survival(f'{each} / scale', nu)}" for each, (_, share) in zip(above, HERMITE, strict=True))

    def density(off: str, scale: str) -> str:
        return f"power(1 + power({off} / {scale}, 2) / {nu}, {number(-(nu + 1) / 2)}) / {scale}"

    usual = " + ".join(f"{number(share)} * {density(each, 'scale')}" for each, (_, share) in zip(above, HERMITE, strict=True))
    multiple, spread = number(flows.event.log_multiple), number(flows.event.log_spread)
    news = " + ".join(f"{number(share)} * {density(f'({each} - {multiple})', spread)}"
                      for each, (_, share) in zip(above, HERMITE, strict=True))
    judged = f"business_date > DATE '{asked.look.baseline_day}'" if asked.look.since is None else "true"
    return f"""
        WITH judged_sums AS (
            SELECT s.customer_id, s.business_date, s.direction, s.age, s.window_days, s.amount, s.day_amount,
                   min(c.age - s.age) AS days_after
            FROM ({sums(asked, "standing_now", asked.day)}) AS s
            JOIN changed c ON s.customer_id = c.customer_id AND s.direction = c.direction AND c.age - s.age BETWEEN 0 AND {after}
            GROUP BY s.customer_id, s.business_date, s.direction, s.age, s.window_days, s.amount, s.day_amount
        ), known AS (
            SELECT s.*, coalesce(o.n, 0) AS observations, {settled} AS settled_n, coalesce(median, 0) AS own_median, p.peer_group,
                   peer_median, between_members, tenure_days, income,
                   greatest(({settled} * {own_variance} + {prior} * within) / ({settled} + {prior}), {number(flows.min_spread**2)})
                       AS variance,
                   (coalesce(o.n, 0) + 1) / (greatest(exposure_days, 1) + 1 / peer_rate) AS rate
            FROM judged_sums s
            LEFT JOIN own o ON s.customer_id = o.customer_id AND s.direction = o.direction AND s.window_days = o.window_days
            JOIN members m ON s.customer_id = m.customer_id
            JOIN peers p ON m.age_band = p.age_band AND m.income_band = p.income_band AND m.account_types = p.account_types
                AND s.direction = p.direction AND s.window_days = p.window_days
            WHERE {judged}
        ), weighed AS (
            SELECT *, settled_n * between_members / (settled_n * between_members + {number(math.pi / 2)} * variance) AS weight,
                   sqrt(variance) AS scale
            FROM known
        ), placed AS (
            SELECT *, weight * own_median + (1 - weight) * peer_median AS center, sqrt((1 - weight) * between_members) AS unknown
            FROM weighed
        ), apart AS (
            SELECT *, ln(CAST(amount AS double)) - center AS multiple FROM placed
        ), rare AS (
            SELECT *, 1 / ({DAYS_A_YEAR} * rate * ({beyond})) AS years,
                   ln(({news}) / ({usual})) + ln({number(flows.event.a_year / DAYS_A_YEAR)} / rate) AS odds,
                   round(exp(center) * rate * 30, 2) AS month
            FROM apart
        ), told AS (SELECT *, first_value(month) OVER (PARTITION BY {UNIT} ORDER BY window_days) AS usual_month FROM rare)
        SELECT {UNIT}, age, window_days, amount, day_amount, observations, peer_group, round(1 - weight, 3) AS peer_weight,
               round(exp(center), 2) AS usual_amount, usual_month, round(ln(years), 6) AS surprise, round(odds, 6) AS log_odds,
               round(least(years, {number(float(flows.max_return_period_years))}), 4) AS return_period_years,
               tenure_days >= {flows.settling_days} AS settled, income
        FROM told WHERE days_after < window_days"""


def _survival(t: str, nu: int) -> str:
    """Of Student's distribution with an even number of degrees of freedom, in closed form."""
    cos2, terms, coefficient = f"({nu} / ({nu} + power({t}, 2)))", [number(1.0)], 1.0
    for i in range(1, nu // 2):
        coefficient *= (2 * i - 1) / (2 * i)
        terms.append(f"{number(coefficient)} * power({cos2}, {i})")
    tail = f"greatest((1 - sqrt(1 - {cos2}) * ({' + '.join(terms)})) / 2, {number(1e-14)})"
    return f"CASE WHEN {t} > 0 THEN {tail} ELSE 1 - {tail} END"


def _is_abnormal(asked: Asked) -> str:
    flows = asked.settings.flows
    days = ", ".join(f"DATE '{each}'" for each in payment_days(asked.look.units_from, asked.day, flows)) or "NULL"
    twice = f"coalesce(business_date IN ({days}), false) OR (NOT settled AND direction = 'credit')"
    return f"""return_period_years >= CASE WHEN {twice} THEN 2 ELSE 1 END * {number(flows.min_return_period_years)}
        AND amount >= {flows.min_amount} AND amount >= usual_month * {number(flows.min_share_of_usual_month)}
        AND CAST(amount AS double) >= CAST(income AS double) * {number(flows.min_share_of_income)}
        AND day_amount * 2 * window_days >= amount"""


def _severity(asked: Asked) -> str:
    rare = f"return_period_years >= {number(asked.settings.flows.high_return_period_years)}"
    large = f"amount >= {5 * asked.settings.flows.min_amount}"
    return f"CASE WHEN {rare} AND {large} THEN 'high' WHEN {rare} OR {large} THEN 'medium' ELSE 'low' END"
