"""Customers: one row is what the bank knows of a customer from a day on."""

from expectations.contract import Contract, Field, Kind, Repeats, Rule

CUSTOMERS = Contract(
    "customers",
    key=("customer_id",),
    fields=(
        Field("customer_id", Kind.ID, required=True),
        Field("full_name", Kind.TEXT),
        Field("birth_date", Kind.DATE),
        Field("gender", Kind.ENUM, values=("F", "M", "other")),
        Field("occupation", Kind.TEXT),
        Field("annual_income", Kind.MONEY),
        Field("marital_status", Kind.TEXT),
        Field("region", Kind.TEXT),
        Field("joined_on", Kind.DATE, required=True),
        Field("relationship_manager_id", Kind.ID),
        Field("risk_profile", Kind.INTEGER),
        Field("marketing_consent", Kind.BOOLEAN, required=True),
        Field("life_event_consent", Kind.BOOLEAN, empty=False),
        Field("closed_on", Kind.DATE),
    ),
    happened="joined_on",
    repeats=Repeats.HISTORY,
    has_horizon=False,
    rules=(
        Rule("BIRTH_RANGE", "birth_date", "birth_date > _drop OR birth_date < add_months(_drop, -12 * 120)"),
        Rule("INCOME_RANGE", "annual_income", "annual_income < 0 OR annual_income >= 1e11"),
        Rule("RANGE", "risk_profile", "risk_profile NOT BETWEEN 1 AND 5"),
    ),
)
