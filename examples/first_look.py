"""From a suite to a win rate, and from there to the moments worth reading: `python examples/first_look.py`.

It takes the offline models, so that it needs no key and costs nothing; their figures say nothing about any model. With
names such as "claude-opus-5-5" in their place it is a real evaluation. Every cell runs as it stands in a notebook, too.
"""

# %% Evaluate two models. What the store has is not asked for again: run it twice, and the second time is free.
import nextstep

done = nextstep.evaluate(
    ["offline/continue", "offline/question"],
    judges="offline/lexical",
    suite="transcripts",
    store="first-look.duckdb",
    max_cost_usd=5,
)
print(f"{done.status}: {done.requests} requests now, {done.reused} answers were there, ${done.cost_usd:.2f}")

# %% Win rates are an Arrow table; to_pandas() makes a data frame of it.
for row in done.win_rates.to_pylist():
    interval = f"{row['ci_low']:.2f} to {row['ci_high']:.2f}" if row["ci_low"] is not None else "no interval"
    print(f"{row['candidate']:18} {row['set']:8} {row['win_rate']:.2f} ({interval}, {row['n_moments']} moments)")

# %% Ask the store in SQL. It is opened for each question alone, so that a run can go on beside.
with nextstep.open_store("first-look.duckdb") as store:
    longer = store.sql("""
        SELECT candidate, "set", round(avg(length(model_step) - length(human_step))) AS longer_by, count(*) AS verdicts
        FROM (
            SELECT p.candidate, m."set", p.text AS model_step, coalesce(r.text, m.human_step) AS human_step
            FROM verdicts v
            JOIN proposals p USING (proposal_id)
            JOIN moments m USING (moment_id)
            LEFT JOIN rewrites r USING (rewrite_id)
        )
        GROUP BY ALL
        ORDER BY ALL
    """)
    for row in longer.to_pylist():
        print(f"{row['candidate']:18} {row['set']:8} {row['longer_by']:+.0f} characters on {row['verdicts']} verdicts")

    # The documented queries answer what is asked most: these are the moments that tell the two apart.
    print(store.queries["informative"])
    for row in store.named("informative").slice(0, 3).to_pylist():
        print(f"{row['moment']:26} best: {row['best']:18} worst: {row['worst']}")
