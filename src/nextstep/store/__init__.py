"""The store: one DuckDB file that holds every reply, verdict and win rate."""

from nextstep.store.database import Connection, Store

__all__ = ["Connection", "Store"]
