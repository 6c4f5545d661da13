"""The made-up names of suspects, which no English text holds by chance."""

import re

STARTS = [
    *("bek", "cal", "dov", "fim", "gar", "hul", "jex", "kel", "lom", "mir"),
    *("nav", "pod", "qui", "ryn", "sab", "tol", "ung", "vex", "wod", "zam"),
]
MIDDLES = ["ba", "de", "fi", "go", "hu", "ka", "le", "mi", "no", "pu"]
ENDS = [
    *("dax", "fen", "gol", "hut", "jix", "lor", "mon", "nap", "rik", "sul"),
    *("tev", "vun", "bor", "cep", "dis", "fak", "gim", "hol", "jad", "kur"),
]
COUNT = len(STARTS) * len(MIDDLES) * len(ENDS)

_SCATTER = 2_711
"""Has no factor in common with COUNT, so that neighbours in number look different and each name comes once."""

_WORD = re.compile(rf"\b(?:{'|'.join(STARTS)})(?:{'|'.join(MIDDLES)})(?:{'|'.join(ENDS)})\b", re.IGNORECASE)


def word(number: int) -> str:
    """The name of this number, from 0; each number below COUNT has its own."""
    if not 0 <= number < COUNT:
        raise ValueError(f"there are {COUNT} names, and none of number {number}")
    rest, end = divmod(number * _SCATTER % COUNT, len(ENDS))
    start, middle = divmod(rest, len(MIDDLES))
    return STARTS[start] + MIDDLES[middle] + ENDS[end]


def named(text: str) -> list[str]:
    """The suspects that a text names, in its order."""
    return [found.lower() for found in _WORD.findall(text)]
