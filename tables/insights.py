"""What Kehu finds out: flows, features, segments, life events, scores and alerts."""

from __future__ import annotations

from conf.codes import FLOW_KINDS, TIERS
from tables.declaration import Column, Personal, Table
from tables.events import ACCOUNT, CUSTOMER, MONEY, RUN

AS_OF = Column("as_of", "DATE", "the day; only facts known on it")

DAILY_FLOWS = Table(
    "daily_flows",
    "one customer's day in one direction, own transfers netted, as known on `recorded_on`",
    (
        Column("recorded_on", "DATE", "the run's day; a later row for the same day and customer replaces an earlier one"),
        CUSTOMER,
        Column("business_date", "DATE", "the day the money moved"),
        Column("direction", "STRING", "credit or debit"),
        Column("amount", MONEY, "sum in base currency", Personal.SENSITIVE),
        Column("unusual_amount", MONEY, "the same without what recurs and what came back: what is judged", Personal.SENSITIVE),
        Column("transactions", "BIGINT", "how many"),
        Column("flagged", "BOOLEAN", "part of an abnormal flow: never part of what is usual"),
        Column("surprise", "DOUBLE", "ln of the return period in years; of past days, it calibrates p-values"),
        Column("log_odds", "DOUBLE", "of news against a usual flow, where it is most surprising: how far a past day calibrates"),
    ),
    key=("recorded_on", "customer_id", "business_date", "direction"),
    partition_by=("recorded_on",),
    sort_by=("business_date",),
)

FLOW_BASELINES = Table(
    "flow_baselines",
    "how often a customer's flow of one direction and window fell into each log-scale bin",
    (
        AS_OF,
        CUSTOMER,
        Column("direction", "STRING", "credit or debit"),
        Column("window_days", "INT", "one of `flows.windows_days`: 1, 3 or 7"),
        Column(
            "bins",
            "ARRAY<STRUCT<bin: INT, count: BIGINT>>",
            "floor(ln amount / ln ratio), and flows in the bin within the baseline window; lowest first",
            Personal.SENSITIVE,
        ),
    ),
    key=("as_of", "customer_id", "direction", "window_days"),
    partition_by=("as_of",),
)

ABNORMAL_FLOWS = Table(
    "abnormal_flows",
    "one abnormal movement",
    (
        Column("flow_id", "STRING", "hash of what happened"),
        CUSTOMER,
        ACCOUNT,
        Column("business_date", "DATE", "last day of the movement"),
        Column("kind", "STRING", ", ".join(FLOW_KINDS)),
        Column("window_days", "INT", "days told together, up to `business_date`: 1, 3 or 7; of `drained` the shortest that holds its rows"),
        Column("transaction_ids", "ARRAY<STRING>", "the rows behind it", Personal.PSEUDONYM),
        Column("netted_ids", "ARRAY<STRING>", "what was netted out of the same customer's same days: own transfers, roll-overs, reversals; "
               "the largest first, at most 20", Personal.PSEUDONYM),
        Column("amount", MONEY, "base currency", Personal.SENSITIVE),
        Column("usual_amount", MONEY, "the customer's usual, base currency; 0 where nothing is usual, as of a broken deposit",
               Personal.SENSITIVE),
        Column("return_period_years", "DOUBLE", "a flow this large is expected once in so many years"),
        Column("p_value", "DOUBLE", "conformal, among the day's units"),
        Column("q_value", "DOUBLE", "Benjamini-Hochberg"),
        Column("log_odds", "DOUBLE", "of news against a usual flow, before any outcome"),
        Column("chance", "DOUBLE", "that it is news, as outcomes so far have taught; ranks flows"),
        Column("severity", "STRING", "low, medium, high"),
        Column("reason", "STRING", "in words, with the numbers", Personal.SENSITIVE),
        Column("observations", "BIGINT", "own flows behind the baseline"),
        Column("peer_group", "STRING", "who else told what is usual"),
        Column("peer_weight", "DOUBLE", "share of the baseline that is the peers'"),
        Column("cause", "STRING", "likely cause from what is around the flow: a suggestion"),
        Column("went", "STRING", "of a broken deposit, where its money was then: placed_again, own_account, left, unknown"),
        Column("late", "BOOLEAN", "a late row brought it: it became known later than the day after it happened"),
        Column("detected_on", "DATE", "the run's day"),
        RUN,
    ),
    key=("flow_id",),
    partition_by=("detected_on",),
)

DEPOSIT_SETTLEMENTS = Table(
    "deposit_settlements",
    "one broken deposit whose money was placed again, or left, after it was told",
    (
        Column("flow_id", "STRING", "as in `abnormal_flows`"),
        CUSTOMER,
        ACCOUNT,
        Column("went", "STRING", "placed_again or left"),
        Column("amount", MONEY, "of the deposit's money, base currency", Personal.SENSITIVE),
        Column("refs", "ARRAY<STRING>", "the accounts it was placed on, or the transactions it left by", Personal.PSEUDONYM),
        Column("severity", "STRING", "of the broken deposit now: low, medium, high"),
        Column("settled_on", "DATE", "the run's day"),
        RUN,
    ),
    key=("flow_id",),
)

CUSTOMER_FEATURES = Table(
    "customer_features",
    "one customer on one day",
    (CUSTOMER, AS_OF),  # the feature catalogue adds one column a feature
    key=("customer_id", "as_of"),
    partition_by=("as_of",),
)

FLOW_SUMS = Table(
    "flow_sums",
    "what the features of one customer's movements add up from on one day; the next day's are carried on from it",
    (CUSTOMER, AS_OF),  # `features.flow_sums` adds one column a sum and a list
    key=("customer_id", "as_of"),
    partition_by=("as_of",),
)

ACCOUNT_SUMS = Table(
    "account_sums",
    "what one account's balances are worked out from on one day; the next day's are carried on from it",
    (CUSTOMER, ACCOUNT, Column("product_type", "STRING", "of the account, as known on the day"), AS_OF),  # `features.account_sums` adds
    key=("account_id", "as_of"),
    partition_by=("as_of",),
)

PURCHASE_SUMS = Table(
    "purchase_sums",
    "what the features of one customer's purchases add up from on one day; the next day's are carried on from it",
    (CUSTOMER, AS_OF),  # `features.purchase_sums` adds columns
    key=("customer_id", "as_of"),
    partition_by=("as_of",),
)

PAYMENT_EVIDENCE = Table(
    "payment_evidence",
    "a consenting customer's payments that are evidence of life events on one day; the next day's are carried on from it",
    (CUSTOMER, AS_OF),  # `features.payment_evidence` adds columns
    key=("customer_id", "as_of"),
    partition_by=("as_of",),
)

SEGMENTS = Table(
    "segments",
    "one customer on one day",
    (
        CUSTOMER,
        AS_OF,
        Column("age_band", "STRING", "years", Personal.PERSONAL),
        Column("income_band", "STRING", "base currency a year", Personal.SENSITIVE),
        Column("occupation_group", "STRING", "from the stated occupation", Personal.PERSONAL),
        Column("preference", "STRING", "what is held most", Personal.PERSONAL),
        Column("value_band", "STRING", "net value of the last year", Personal.SENSITIVE),
        Column("cost_to_serve_band", "STRING", "cost of the last year", Personal.SENSITIVE),
        Column("service_tier", "STRING", ", ".join(TIERS), Personal.SENSITIVE),
        Column("channel_preference", "STRING", "where most transactions are made", Personal.SENSITIVE),
        Column("loss_reason", "STRING", "why the bank loses money on the customer, and the cheaper way; else empty", Personal.SENSITIVE),
    ),
    key=("customer_id", "as_of"),
    partition_by=("as_of",),
)

LIFE_EVENTS = Table(
    "life_events",
    "one life event of a consenting customer",
    (
        CUSTOMER,
        AS_OF,
        Column("event", "STRING", "new_parent, …", Personal.INFERRED),
        Column("probability", "DOUBLE", "posterior", Personal.INFERRED),
        Column("stage", "STRING", "how far it has come", Personal.INFERRED),
        Column(
            "evidence",
            "ARRAY<STRUCT<category: STRING, days: INT, last_on: DATE, log_odds: DOUBLE, note: STRING>>",
            "what speaks for it",
            Personal.INFERRED,
        ),
        Column("consented", "BOOLEAN", "always true: without consent nothing is computed"),
        Column("first_evidence_on", "DATE", "first day of evidence within the window", Personal.INFERRED),
        Column("child_age_months", "DOUBLE", "the youngest child's probable age; empty where too little is known", Personal.INFERRED),
        Column("child_age_from_months", "DOUBLE", "the age is this or more, and", Personal.INFERRED),
        Column("child_age_to_months", "DOUBLE", "this or less, with the probability `child.interval` (0.8 by default)", Personal.INFERRED),
    ),
    key=("customer_id", "as_of", "event"),
    partition_by=("as_of",),
)

OFFER_SCORES = Table(
    "offer_scores",
    "one offer for one customer on one day, whether it may be made or not",
    (
        CUSTOMER,
        AS_OF,
        Column("offer_id", "STRING", "the offer"),
        Column("probability", "DOUBLE", "of taking it within its window", Personal.INFERRED),
        Column("expected_value", "DOUBLE", "base currency, less the cost of contact", Personal.INFERRED),
        Column("eligible", "BOOLEAN", "no rule stands against it"),
        Column("blocked_by", "ARRAY<STRING>", "every rule that does"),
        Column("rank", "INT", "1 is the best of the eligible"),
        Column("propensity", "DOUBLE", "chance of being the first that may open a call: 1 or 0 but for the lot"),
        Column("reasons", "ARRAY<STRING>", "what moved the score most, in words", Personal.SENSITIVE),
        Column("model_version", "STRING", "the model that scored it; of a bundle without one those of its offers, joined by +"),
    ),
    key=("customer_id", "as_of", "offer_id"),
    partition_by=("as_of",),
)

ALERTS = Table(
    "alerts",
    "one alert, from raised to closed",
    (
        Column("alert_id", "STRING", "letters, digits and a check character"),
        CUSTOMER,
        Column("relationship_manager_id", "STRING", "whose book; empty: the branch's"),
        Column("type", "STRING",
               "abnormal_withdrawal, abnormal_deposit, early_withdrawal, account_closure, life_event, next_best_offer"),
        Column("raised_on", "DATE", "the run's day"),
        Column("expires_on", "DATE", "not on a worklist from this day on"),
        Column("priority", "INT", "0 to 100"),
        Column("severity", "STRING", "low, medium, high"),
        Column("headline", "STRING", "one line", Personal.SENSITIVE),
        Column("reason", "STRING", "why, in words, with the numbers", Personal.SENSITIVE),
        Column(
            "evidence",
            "ARRAY<STRUCT<kind: STRING, ref: STRING, business_date: DATE, amount: DECIMAL(18,2), note: STRING>>",
            "the rows and numbers behind it",
            Personal.SENSITIVE,
        ),
        Column(
            "offers",
            "ARRAY<STRUCT<offer_id: STRING, name: STRING, probability: DOUBLE, expected_value: DOUBLE, reason: STRING>>",
            "what to offer, best first",
            Personal.INFERRED,
        ),
        Column("status", "STRING",
               "open, contacted, accepted, declined, false_alarm, snoozed, expired, suppressed, superseded, retracted"),
        Column("suppressed_by", "STRING", "the rule that held it back", Personal.SENSITIVE),
        Column("snoozed_until", "DATE", "not on a worklist before this day"),
        Column("closed_on", "DATE", "when it left the open states"),
        Column("control_group", "BOOLEAN", "held back by lot, to measure what calling is worth"),
        Column("matter", "STRING", "what it is about: flow ids, life event or offer", Personal.INFERRED),
        Column("flow_ids", "ARRAY<STRING>", "the abnormal flows told together", Personal.PSEUDONYM),
        Column("model_version", "STRING", "of the first offer's model"),
        Column("changed_on", "DATE", "the run's day that last changed it"),
        Column("change", "STRING", "what changed since it was raised, in words; empty when nothing did", Personal.SENSITIVE),
        RUN,
    ),
    key=("alert_id",),
    change_feed=True,
    checks={"priority_range": "priority BETWEEN 0 AND 100"},
)

PORTFOLIOS = Table(
    "portfolios",
    "one day's choice of calls with nothing but an offer to say",
    (
        Column("business_date", "DATE", "the run's day"),
        Column("candidates", "BIGINT", "calls that competed, without those that no best choice can hold"),
        Column("chosen", "BIGINT", "calls that were chosen, those that the control group then holds back with them"),
        Column("value", "DOUBLE", "expected of the chosen, base currency"),
        Column("bound", "DOUBLE", "no choice within the limits is worth more"),
        Column("gap", "DOUBLE", "share of the bound that was not reached"),
        Column("prices", "MAP<STRING,DOUBLE>", "binding limit -> what one more minute or place of it would bring, base currency"),
        RUN,
    ),
    key=("business_date",),
)

DELIVERIES = Table(
    "deliveries",
    "one call on a day's worklists, as handed to relationship managers and other channels",
    (
        Column("business_date", "DATE", "the day of the worklists"),
        Column("holder", "STRING", "whose worklist: the RM, a deputy, or the branch queue"),
        Column("place", "INT", "1 is called first"),
        Column("above_line", "BOOLEAN", "within the day's calls"),
        Column("alert_id", "STRING", "the alert"),
        CUSTOMER,
        Column("relationship_manager_id", "STRING", "whose book; empty: the branch's"),
        Column("type", "STRING", "as in `alerts`"),
        Column("severity", "STRING", "low, medium, high"),
        Column("priority", "INT", "0 to 100"),
        Column("status", "STRING", "open or contacted"),
        Column("raised_on", "DATE", "day the alert was raised"),
        Column("due_by", "DATE", "last day on a worklist"),
        Column("headline", "STRING", "one line", Personal.SENSITIVE),
        Column("reason", "STRING", "why, in words", Personal.SENSITIVE),
        Column(
            "offers",
            "ARRAY<STRUCT<offer_id: STRING, name: STRING, probability: DOUBLE, expected_value: DOUBLE, reason: STRING>>",
            "what to offer, best first",
            Personal.INFERRED,
        ),
        Column("change", "STRING", "what changed since it was raised", Personal.SENSITIVE),
        RUN,
    ),
    key=("business_date", "alert_id"),
    partition_by=("business_date",),
)

INSIGHTS = (
    DAILY_FLOWS,
    FLOW_BASELINES,
    ABNORMAL_FLOWS,
    DEPOSIT_SETTLEMENTS,
    FLOW_SUMS,
    ACCOUNT_SUMS,
    PURCHASE_SUMS,
    PAYMENT_EVIDENCE,
    CUSTOMER_FEATURES,
    SEGMENTS,
    LIFE_EVENTS,
    OFFER_SCORES,
    ALERTS,
    PORTFOLIOS,
    DELIVERIES,
)
