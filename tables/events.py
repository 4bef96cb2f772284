"""The feeds as tables: versions of customers and accounts, and accepted events."""

from __future__ import annotations

from conf.codes import CHANNELS, PRODUCTS, RESTRICTION_KINDS, TRANSACTION_TYPES
from conf.codes import OUTCOMES as REPORTED
from tables.declaration import Column, Personal, Table

MONEY = "DECIMAL(18,2)"
CUSTOMER = Column("customer_id", "STRING", "the customer", Personal.PSEUDONYM)
ACCOUNT = Column("account_id", "STRING", "the account", Personal.PSEUDONYM)
RUN = Column("run_id", "STRING", "the run that wrote the row")
RECORDED = Column("recorded_on", "DATE", "date of the drop that brought it, of an event in a drop that came late the day it was taken; "
                  "for a feed's initial load the date it happened")
PROVENANCE = (
    Column("business_date", "DATE", "calendar date of the event in the bank's zone"),
    RECORDED,
    Column("source_file", "STRING", "the file it came in, below the landing root"),
    RUN,
)
CORRECTIONS = (
    Column("version", "INT", "number of this word on the event, where the feed has corrections"),
    Column("superseded_on", "DATE", "from this date on a higher version is known; empty for what stands"),
)
VERSION = (
    Column("valid_from", "DATE", "first business date of this version"),
    Column("valid_to", "DATE", "first business date of the next version; empty while current"),
    Column("is_current", "BOOLEAN", "whether no later version is known"),
    RECORDED,
    Column("source_file", "STRING", "the file it came in, below the landing root"),
    RUN,
)

CUSTOMERS = Table(
    "customers",
    "one version of a customer",
    (
        CUSTOMER,
        Column("full_name", "STRING", "name as the bank writes it", Personal.PERSONAL),
        Column("birth_date", "DATE", "date of birth", Personal.PERSONAL),
        Column("gender", "STRING", "F, M or other; never a model input", Personal.PERSONAL),
        Column("occupation", "STRING", "stated occupation", Personal.PERSONAL),
        Column("annual_income", MONEY, "stated yearly income, base currency", Personal.SENSITIVE),
        Column("marital_status", "STRING", "stated marital status", Personal.PERSONAL),
        Column("region", "STRING", "where the customer lives", Personal.PERSONAL),
        Column("joined_on", "DATE", "start of the relationship"),
        Column("relationship_manager_id", "STRING", "the RM whose book holds the customer"),
        Column("risk_profile", "INT", "1 (cautious) to 5 (speculative)", Personal.PERSONAL),
        Column("marketing_consent", "BOOLEAN", "may be offered products"),
        Column("life_event_consent", "BOOLEAN", "purchases and payments may be read for life events; empty counts as no"),
        Column("closed_on", "DATE", "end of the relationship"),
        *VERSION,
    ),
    key=("customer_id", "valid_from"),
    sort_by=("customer_id",),
)

ACCOUNTS = Table(
    "accounts",
    "one version of an account",
    (
        ACCOUNT,
        CUSTOMER,
        Column("product_type", "STRING", ", ".join(PRODUCTS)),
        Column("currency", "STRING", "ISO 4217"),
        Column("opened_on", "DATE", "opening date"),
        Column("maturity_on", "DATE", "maturity of a time deposit or loan"),
        Column("principal", MONEY, "amount placed or lent, account currency", Personal.SENSITIVE),
        Column("interest_rate", "DECIMAL(9,6)", "yearly, 0.025 = 2.5 %"),
        Column("status", "STRING", "open or closed"),
        Column("closed_on", "DATE", "closing date"),
        Column("branch_id", "STRING", "branch"),
        *VERSION,
    ),
    key=("account_id", "valid_from"),
    sort_by=("account_id",),
)

TRANSACTIONS = Table(
    "transactions",
    "one accepted transaction",
    (
        Column("transaction_id", "STRING", "the bank's id", Personal.PSEUDONYM),
        ACCOUNT,
        Column("booked_at", "TIMESTAMP", "booking time, UTC"),
        Column("amount", MONEY, "always positive, in `currency`", Personal.SENSITIVE),
        Column("currency", "STRING", "ISO 4217"),
        Column("direction", "STRING", "credit (in) or debit (out)"),
        Column("type", "STRING", ", ".join(TRANSACTION_TYPES)),
        Column("channel", "STRING", ", ".join(CHANNELS)),
        Column("branch_id", "STRING", "branch"),
        Column("counterparty", "STRING", "account on the other side, when known", Personal.PSEUDONYM),
        Column("balance_after", MONEY, "balance after booking", Personal.SENSITIVE),
        Column("description", "STRING", "free text", Personal.SENSITIVE),
        *PROVENANCE,
        *CORRECTIONS,
    ),
    key=("transaction_id",),
    sort_by=("business_date",),
)

HOLDINGS = Table(
    "holdings",
    "one product held by a customer",
    (
        CUSTOMER,
        Column("product_id", "STRING", "the product"),
        Column("acquired_on", "DATE", "when it was taken"),
        Column("closed_on", "DATE", "when it ended"),
        Column("value", MONEY, "present value, base currency", Personal.SENSITIVE),
        *PROVENANCE,
    ),
    key=("customer_id", "product_id", "acquired_on"),
    sort_by=("business_date",),
)

PURCHASES = Table(
    "purchases",
    "one accepted line of an order",
    (
        Column("order_id", "STRING", "the shop's order", Personal.PSEUDONYM),
        Column("line_no", "INT", "line within the order"),
        CUSTOMER,
        Column("ordered_at", "TIMESTAMP", "order time, UTC"),
        Column("sku", "STRING", "article"),
        Column("category", "STRING", "path, / between levels", Personal.SENSITIVE),
        Column("product_name", "STRING", "name of the article", Personal.SENSITIVE),
        Column("quantity", "DECIMAL(18,3)", "pieces"),
        Column("unit_price", MONEY, "price of one, in `currency`"),
        Column("currency", "STRING", "ISO 4217"),
        Column("status", "STRING", "paid or refunded"),
        *PROVENANCE,
        *CORRECTIONS,
    ),
    key=("order_id", "line_no"),
    sort_by=("business_date",),
)

FX_RATES = Table(
    "fx_rates",
    "one currency's rate of a day",
    (
        Column("rate_date", "DATE", "date of the rate"),
        Column("currency", "STRING", "ISO 4217"),
        Column("rate", "DECIMAL(18,8)", "base-currency units for one unit"),
        *PROVENANCE,
    ),
    key=("rate_date", "currency"),
)

OUTCOMES = Table(
    "outcomes",
    "one outcome an RM reported",
    (
        Column("alert_id", "STRING", "the alert"),
        Column("recorded_at", "TIMESTAMP", "when the RM recorded it, UTC"),
        Column("relationship_manager_id", "STRING", "who recorded it"),
        Column("outcome", "STRING", ", ".join(REPORTED)),
        Column("cause", "STRING", "why the money moved, as the customer said", Personal.SENSITIVE),
        Column("offer_id", "STRING", "the offer talked about"),
        Column("snooze_until", "DATE", "not before this date again"),
        Column("note", "STRING", "free text", Personal.SENSITIVE),
        *PROVENANCE,
    ),
    key=("alert_id", "recorded_at"),
)

RESTRICTIONS = Table(
    "restrictions",
    "one reason not to call a customer",
    (
        CUSTOMER,
        Column("kind", "STRING", ", ".join(RESTRICTION_KINDS), Personal.SENSITIVE),
        Column("valid_from", "DATE", "first day"),
        Column("valid_to", "DATE", "last day; empty while it lasts"),
        *PROVENANCE,
    ),
    key=("customer_id", "kind", "valid_from"),
)

EVENTS = (CUSTOMERS, ACCOUNTS, TRANSACTIONS, HOLDINGS, PURCHASES, FX_RATES, OUTCOMES, RESTRICTIONS)
