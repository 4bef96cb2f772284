"""What customers have acquired: products of the holdings feed, and accounts, which are products as well."""

from __future__ import annotations

import pyspark.sql.functions as F
from pyspark.sql import DataFrame


def acquired(holdings: DataFrame, accounts: DataFrame, *also: str) -> DataFrame:
    """Holdings and accounts in one frame: an account is its `product_type`, acquired when it was opened.

    Parameters
    ----------
    holdings : DataFrame with `customer_id`, `product_id`, `acquired_on`, `closed_on`
    accounts : DataFrame with `customer_id`, `product_type`, `opened_on`, `closed_on`
    also : str
        Columns of both to keep.

    Returns
    -------
    DataFrame with `customer_id`, `product_id`, `acquired_on`, `closed_on` and those
    """
    columns = ("customer_id", "product_id", "acquired_on", "closed_on", *also)
    opened = accounts.withColumns({"product_id": F.col("product_type"), "acquired_on": F.col("opened_on")})
    return holdings.select(*columns).unionByName(opened.select(*columns))
