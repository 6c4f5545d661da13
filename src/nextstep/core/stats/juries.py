"""The correlation of judges -> what a jury of them is worth. Spearman 1910, Brown 1910."""


def jury_reliability(judges: int, correlation: float) -> float:
    """The reliability of the mean of `judges` whose scores correlate by this much on average: J r/(1 + (J-1) r)."""
    return effective_judges(judges, correlation) * correlation


def effective_judges(judges: int, correlation: float) -> float:
    """As many judges without common errors would do as well: J/(1 + (J-1) r)."""
    return judges / (1 + (judges - 1) * correlation)
