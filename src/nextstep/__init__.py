"""Would this model have chosen a better next step than the human did?"""

__version__ = "0.1.0"
