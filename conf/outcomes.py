"""What relationship managers report of a call, in the groups that rules, labels and reports ask for."""

NEWS = ("contacted", "accepted", "declined")  # spoken to, and what the alert told was so
REACHED = (*NEWS, "false_alarm")  # the call came about
