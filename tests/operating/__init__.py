"""How often `nextstep check` says what, where the truth is known: the command itself, on stores of made-up verdicts."""
