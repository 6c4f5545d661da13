"""The card of a dataset of results: its tables for `load_dataset`, and what its figures do not say."""

from collections.abc import Mapping

CARD = """\
---
# license: the licence is yours to choose; name it here before others may read this
pretty_name: Results of nextstep
tags: [nextstep]
configs:
{configs}---

# Results of nextstep

The results over the suite `{suite_hash}`, written by `nextstep export --results`.

```python
from datasets import load_dataset

win_rates = load_dataset("PLACE", "win_rates", split="train")
```

| table | rows | one row is |
| --- | ---: | --- |
{tables}
What a column means stands in nextstep's docs/schema.md.
{offline}
## What these numbers do not say

- Not that a model is a better researcher than a person: detours are chosen because the human did badly there. Read a
  detour rate only beside the control rate of the same judge, and both beside `judge_health`.
- Not what would have happened: a preferred step was never carried out.
- Intervals are 95 %, with sessions, not moments, as the independent unit; failures are in no rate.
- Steps and reasons are texts from sessions: look for secrets before others may read them.
"""

TABLES = {
    "win_rates": "an estimate: one candidate, one judge, one set",
    "outcomes": "both orders of a pair folded",
    "verdicts": "a judge's answer in one order, with both steps as it read them",
    "moments": "a human event at which the human chose what to do next",
    "judge_health": "a figure of a judge's card",
}
"""The tables of results, and what one row is."""

CONFIG = """\
  - config_name: {name}
    data_files:
      - split: train
        path: {name}/*.parquet
"""
OFFLINE = "\nOffline models took part: their figures test the pipeline and say nothing about any model.\n"


def results_card(suite_hash: str, rows: Mapping[str, int], *, offline: bool) -> str:
    """The card for tables of so many rows."""
    lines = [f"| {name} | {count} | {TABLES[name]} |\n" for name, count in rows.items()]
    configs = "".join(CONFIG.format(name=name) for name in rows)
    told = OFFLINE if offline else ""
    return CARD.format(suite_hash=suite_hash, configs=configs, tables="".join(lines), offline=told)
