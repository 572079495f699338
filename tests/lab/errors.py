"""What the lab raises: a message an engineer can act on, never a bare assertion."""


class LabError(Exception):
    """Something in the laboratory (not in the thing under test) is wrong or missing."""


class LabTimeout(LabError):
    """A condition did not come true before its deadline."""
