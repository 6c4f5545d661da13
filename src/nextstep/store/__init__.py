"""The store: one DuckDB file that holds every reply, verdict and win rate."""

from nextstep.store.connecting import Connection
from nextstep.store.database import Store

__all__ = ["Connection", "Store"]
