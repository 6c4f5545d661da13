"""Would this model have chosen a better next step than the human did? This package answers that."""

__version__ = "0.1.0"
