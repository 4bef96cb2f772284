"""What customers have acquired: products of the holdings feed, and accounts, which are products as well."""

from __future__ import annotations

import pyspark.sql.functions as F
from pyspark.sql import DataFrame


def acquired(holdings: DataFrame, accounts: DataFrame) -> DataFrame:
    """Holdings and accounts in one frame: an account is its `product_type`, acquired when it was opened.

    One closed without a date was closed when the version that says so began.

    Parameters
    ----------
    holdings : DataFrame with `customer_id`, `as_of`, `product_id`, `acquired_on`, `closed_on`
    accounts : DataFrame as `versions_as_of` returns

    Returns
    -------
    DataFrame with `customer_id`, `as_of`, `product_id`, `acquired_on`, `closed_on`
    """
    columns = ("customer_id", "as_of", "product_id", "acquired_on", "closed_on")
    undated = F.when(F.col("status") == "closed", F.col("valid_from"))
    opened = accounts.withColumns({
        "product_id": F.col("product_type"), "acquired_on": F.col("opened_on"), "closed_on": F.coalesce("closed_on", undated)})
    return holdings.select(*columns).unionByName(opened.select(*columns))
