"""What a customer has here, as far as the movements at hand tell it."""

from __future__ import annotations

import pyspark.sql.functions as F
from pyspark.sql import DataFrame

from features.as_of import bounded
from features.flows import DEPOSIT_PRODUCTS
from features.movements import booking_number


def known_assets(accounts: DataFrame, movements: DataFrame) -> DataFrame:
    """Assets of some customers: the principal of their open time deposits, and the last balance booked on each other open account.

    An account without a movement at hand adds nothing, so that assets are never told too high for that.

    Parameters
    ----------
    accounts : DataFrame of the customers' accounts as of the day, with `principal_base`
    movements : DataFrame as `features.flows.owned` returns, with `amount_base`, `balance_after`, `booked_at`

    Returns
    -------
    DataFrame with `customer_id`, `assets` decimal(18,2); nobody of whom nothing is known
    """
    held = accounts.where((F.col("status") == "open") & F.col("closed_on").isNull()).select(
        "account_id", "customer_id", "product_type", "principal_base")
    saved = held.where((F.col("product_type") == "time_deposit") & F.col("principal_base").isNotNull())
    in_base = F.col("balance_after") * F.col("amount_base") / F.col("amount")
    last = (
        movements.where(F.col("balance_after").isNotNull() & F.col("amount_base").isNotNull())
        .join(held.where(F.col("product_type").isin(*DEPOSIT_PRODUCTS, "investment") & (F.col("product_type") != "time_deposit"))
              .select("account_id"), "account_id")
        .groupBy("customer_id", "account_id")
        .agg(F.max_by(in_base, F.struct("booked_at", booking_number())).alias("_balance"))
        .select("customer_id", bounded(F.greatest("_balance", F.lit(0))).alias("assets"))
    )
    each = last.unionByName(saved.select("customer_id", F.col("principal_base").cast("decimal(18,2)").alias("assets")))
    return each.groupBy("customer_id").agg(F.sum("assets").cast("decimal(18,2)").alias("assets"))
