-- Which win rates are of no contest that was tried? They go when all are worked out anew.
DELETE FROM win_rates WHERE updated_at < $since
