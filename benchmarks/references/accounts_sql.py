"""Balances, accounts and products, and what a customer earns and costs, in SQL, for Spark and DuckDB."""

from __future__ import annotations

from benchmarks.references.columns import ACCOUNT_COLUMNS, BACK, DEPOSITS, FAMILIES, INVESTED, MEANS, PRODUCTS, STAFFED
from benchmarks.references.dialect import Asked, count, listed, looked_up, share, total

IS_DEPOSIT = f"product_type IN {DEPOSITS}"


def account_parts(asked: Asked) -> dict[str, str]:
    """Name -> SQL of what is counted; those with one row a customer are `standing`, `costs`, `held`, `joined`.

    Over views `customers`, `accounts`, `holdings`, `transactions` as known, `families` (`product_id`, `family`), and the parts of
    `events_sql`.
    """
    day, at_principal = f"DATE '{asked.day}'", "CASE a.product_type WHEN 'time_deposit' THEN a.principal WHEN 'loan' THEN -a.principal END"
    signed = "CASE direction WHEN 'credit' THEN base ELSE -base END"
    sums = {f"weighed_{days}": total(f"{signed} * ({days} - 1 - age)", f"age < {days}") for days in MEANS}
    sums |= {f"since_{days}": total(signed, f"age < {days}") for days in BACK}
    return {
        "stated": f"""
            SELECT account_id, balance_after FROM (
                SELECT account_id, balance_after,
                       row_number() OVER (PARTITION BY account_id ORDER BY booked_at DESC, transaction_id DESC) AS nth
                FROM transactions WHERE balance_after IS NOT NULL AND {asked.known("business_date", 400)}
            ) AS told WHERE nth = 1""",
        "since": f"SELECT account_id, {listed(sums)} FROM moved GROUP BY account_id",
        "balances": f"""
            SELECT a.*, s.balance_after IS NOT NULL OR NOT a.is_open AND {at_principal} IS NULL AS is_known,
                   CASE WHEN a.is_open THEN coalesce(CAST({asked.base(f"coalesce(s.balance_after, {at_principal})", "a")} AS double), 0)
                       ELSE 0 END AS balance,
                   coalesce(CAST({asked.base(at_principal, "a")} AS double), 0) AS stood, {asked.age("a.opened_on")} + 1 AS days,
                   CASE WHEN a.is_open THEN 0 ELSE coalesce({asked.age("a.closed_on")}, {asked.age("a.opened_on")}) + 1 END AS gone,
                   {", ".join(f"coalesce({name}, 0) AS {name}" for name in sums)}
            FROM (SELECT *, closed_on > {day} OR (closed_on IS NULL AND status = 'open') AS is_open FROM accounts) AS a
            LEFT JOIN stated s ON a.account_id = s.account_id LEFT JOIN since w ON a.account_id = w.account_id
            {asked.rated("a", day)}""",
        "standing": f"SELECT customer_id, {listed(_standing(asked))} FROM balances GROUP BY customer_id",
        "costs": f"SELECT customer_id, {listed(_costs(asked))} FROM moved GROUP BY customer_id",
        "held": f"""
            SELECT customer_id, {listed(_held(asked))} FROM (
                SELECT h.*, f.family, (h.closed_on IS NULL OR h.closed_on > {day}) AS is_open,
                       row_number() OVER (PARTITION BY customer_id, h.product_id, acquired_on ORDER BY recorded_on DESC) AS nth
                FROM holdings h LEFT JOIN families f ON h.product_id = f.product_id
            ) AS holding WHERE nth = 1 AND acquired_on <= {day} GROUP BY customer_id""",
        "joined": f"SELECT customer_id, {asked.age('joined_on')} AS joined_ago FROM customers",
    }


def _standing(asked: Asked) -> dict[str, str]:
    age, money = asked.age, asked.settings.profitability
    maturing = f"product_type = 'time_deposit' AND is_open AND {age('maturity_on')} <= 0"
    closed = f"{age('closed_on')} >= 0 AND {age('closed_on')}"
    margin = looked_up("product_type", money.margin_by_product)
    sums = {"deposits_balance": total("balance", IS_DEPOSIT)}
    sums |= {f"{product}_balance": total("balance", f"product_type = '{product}'") for product in DEPOSITS}
    sums |= {
        "mirrored": total("balance", "product_type = 'investment'"),
        "loans_owed": total("-balance", "product_type = 'loan'"),
        "card_owed": total("-balance", "product_type = 'credit_card' AND balance < 0"),
        "foreign_deposits": total("balance", f"{IS_DEPOSIT} AND balance > 0 AND currency <> '{asked.settings.bank.base_currency}'"),
        "held_deposits": total("balance", f"{IS_DEPOSIT} AND balance > 0"),
        "days_to_maturity": f"min(CASE WHEN {maturing} THEN -{age('maturity_on')} END)",
        "best_rate": "CAST(max(CASE WHEN product_type = 'time_deposit' AND is_open THEN interest_rate END) AS double)",
        "accounts_open": count("is_open"),
        "accounts_closed_365d": count(f"{closed} < 365"),
        "accounts_opened_365d": count(f"{age('opened_on')} < 365"),
        "account_products": "count(DISTINCT CASE WHEN is_open THEN product_type END)",
        "foreign_accounts": count(f"is_open AND currency <> '{asked.settings.bank.base_currency}'"),
        "oldest_account": f"max({age('opened_on')})",
        "earned": f"sum(abs({_mean(365)}) * {margin})",
        "ahead": f"sum(abs(balance) * {margin})",
        "keeping": f"{count('is_open')} * {money.cost_of_account}",
    }
    sums |= {f"maturing_{days}d": total("balance", f"{maturing} AND -{age('maturity_on')} <= {days}") for days in (30, 90)}
    sums |= {f"has_{product}_account": count(f"is_open AND product_type = '{product}'") for product in PRODUCTS}
    sums |= {f"deposits_mean_{days}d": total(_mean(days), IS_DEPOSIT) for days in MEANS}
    for days in BACK:
        before = f"CASE WHEN is_known THEN since_{days} WHEN days > {days} AND gone <= {days} THEN balance - stood ELSE balance END"
        sums[f"deposits_change_{days}d"] = total(before, IS_DEPOSIT)
    return sums


def _mean(days: int) -> str:
    """Of an account's closing balances of so many days, to the cent: what stands, less each movement for the days before it; of one
    that stands at its principal, for the days it did."""
    standing = f"stood * greatest(least(days, {days}) - gone, 0) / {days}"
    return f"round(CASE WHEN is_known THEN balance - weighed_{days} / {days} ELSE {standing} END, 2)"


def _costs(asked: Asked) -> dict[str, str]:
    price = looked_up("channel", asked.settings.profitability.cost_by_channel)
    fee = "type = 'fee' AND direction = 'debit'"
    return {
        "moving": total(price, "true"),
        "moving_lately": total(price, "age < 90"),
        "staffed_cost_year": total(price, f"channel IN {STAFFED}"),
        "fees_year": total("base", fee),
        "fees_lately": total("base", f"age < 90 AND {fee}"),
    }


def _held(asked: Asked) -> dict[str, str]:
    taken, gone = asked.age("acquired_on"), asked.age("closed_on")
    return {
        "holdings_open": count("is_open"),
        "holdings_closed_365d": count(f"NOT is_open AND {gone} < 365"),
        "holdings_new_90d": count(f"{taken} < 90"),
        "holdings_new_365d": count(f"{taken} < 365"),
        "days_since_new_holding": f"min({taken})",
        "holdings_value": total("value", "is_open"),
        "invested": total("value", f"is_open AND family IN {INVESTED}"),
        **{f"has_{family}": count(f"is_open AND family = '{family}'") for family in FAMILIES},
    }


def account_columns(asked: Asked) -> dict[str, str]:
    """Each of `ACCOUNT_COLUMNS`, of what was counted."""

    def known(name: str) -> str:
        return f"coalesce({name}, 0)"

    investments = f"greatest({known('mirrored')}, {known('invested')})"
    assets = f"(greatest({known('deposits_balance')}, 0) + {investments})"
    holdings = f"greatest({known('invested')} - {known('mirrored')}, 0) * {asked.settings.profitability.margin_by_holding}"
    margin, costs = f"({known('earned')} + {holdings})", f"({known('moving')} + {known('keeping')})"
    usual = "CASE WHEN deposits_mean_365d > 0 THEN deposits_mean_365d END"
    return {name: name for name in ACCOUNT_COLUMNS} | {
        **{name: f"{known(name)} > 0" for name in ACCOUNT_COLUMNS if name.startswith("has_")},
        "investments": investments,
        "assets": assets,
        "owed_over_assets": share(f"({known('loans_owed')} + {known('card_owed')})", assets),
        "deposits_over_usual": f"deposits_balance / ({usual}) - 1",
        "liquid_share": share("(deposits_balance - time_deposit_balance)", "deposits_balance"),
        "invested_share": share(investments, assets),
        "foreign_balance_share": share("foreign_deposits", "held_deposits"),
        "tenure_days": "greatest(joined_ago, oldest_account, 0)",
        "margin_year": margin,
        "cost_to_serve_year": costs,
        "net_value_year": f"{margin} + {known('fees_year')} - {costs}",
        "net_value_ahead": f"{known('ahead')} + {holdings} - 4 * ({known('moving_lately')} - {known('fees_lately')}) - {known('keeping')}",
    }
