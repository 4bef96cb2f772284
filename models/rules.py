"""The rules that may stand against an offer, in the order `blocked_by` tells them, with what each means."""

RULES = {
    "closed_customer": "no longer a customer",
    "unknown_age": "age not known, so perhaps a minor",
    "minor": "under age",
    "no_marketing_consent": "has not agreed to be made offers",
    "restriction": "a restriction is in force",  # never which: nobody may be tipped off
    "min_age": "younger than the offer is for",
    "max_age": "older than the offer is for",
    "min_income": "income below what the offer asks",
    "min_assets": "assets below what the offer asks",
    "risk_profile": "risk profile below the product's, or not known",
    "service_tier": "not offered to the customer's service tier",
    "already_held": "already held",
    "fewer_than_two": "fewer than two of the bundle are left to take",
    "requires_holding": "builds on a product that is not held",
    "life_event_consent": "has not agreed that life events are read",
    "no_life_event": "only offered for a life event",
    "offer_control_group": "held back by lot, to see what the new offer brings",
    "cool_down": "talked about of late",
    "negative_value": "expected to cost more than it brings",
}
