"""The codes that feeds, settings and worklists share, each declared once and in an order that means something."""

from typing import Literal, get_args

Channel = Literal["counter", "atm", "crs", "mobile", "online", "pad", "mit", "other"]
Product = Literal["current", "savings", "time_deposit", "credit_card", "loan", "investment"]
TransactionType = Literal[
    "cash", "transfer", "card", "bill", "salary", "interest", "fee", "investment", "loan", "time_deposit", "closure", "other"
]
Restriction = Literal["aml_case", "fraud_case", "legal_hold", "complaint", "bereavement", "vulnerable", "do_not_contact"]
ServiceTier = Literal["mass", "affluent", "private"]  # from below
AlertType = Literal[  # the strongest first: it names an alert that has several reasons
    "account_closure", "early_withdrawal", "abnormal_withdrawal", "abnormal_deposit", "life_event", "next_best_offer"
]

CHANNELS: tuple[Channel, ...] = get_args(Channel)
PRODUCTS: tuple[Product, ...] = get_args(Product)
TRANSACTION_TYPES: tuple[TransactionType, ...] = get_args(TransactionType)
RESTRICTION_KINDS: tuple[Restriction, ...] = get_args(Restriction)
TIERS: tuple[ServiceTier, ...] = get_args(ServiceTier)
ALERT_TYPES: tuple[AlertType, ...] = get_args(AlertType)

FLOW_KINDS = ("withdrawal", "deposit", "early_withdrawal", "closure", "drained", "woken", "income_ended")

# What relationship managers report of a call, as they choose from it, and in the groups that rules, labels and reports ask for.
OUTCOMES = ("contacted", "not_reached", "accepted", "declined", "false_alarm", "snoozed")
NEWS = ("contacted", "accepted", "declined")  # spoken to, and what the alert told was so
REACHED = (*NEWS, "false_alarm")  # the call came about
CAUSES = (
    "home", "car", "tuition", "business", "family", "gift_or_inheritance", "competitor_rate", "investment_elsewhere", "medical",
    "own_transfer_missed", "fraud_or_scam", "none_given", "other",
)  # fmt: skip
