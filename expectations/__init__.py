"""Each feed's contract: what its rows must hold, and what its drops should look like."""

from expectations.accounts import ACCOUNTS
from expectations.contract import Contract, Field, Kind, Repeats, Rule
from expectations.customers import CUSTOMERS
from expectations.fx_rates import FX_RATES
from expectations.holdings import HOLDINGS
from expectations.outcomes import OUTCOMES
from expectations.purchases import PURCHASES
from expectations.restrictions import RESTRICTIONS
from expectations.transactions import TRANSACTIONS

# In the order of the day: what others refer to comes first.
CONTRACTS: dict[str, Contract] = {
    contract.feed: contract
    for contract in (CUSTOMERS, ACCOUNTS, FX_RATES, TRANSACTIONS, HOLDINGS, PURCHASES, RESTRICTIONS, OUTCOMES)
}

__all__ = ["CONTRACTS", "Contract", "Field", "Kind", "Repeats", "Rule"]
