"""A made world in which it is known which of two steps is better, to test what measures a judge.

    words.py        the made-up names of suspects: what a step is about is read from them and from nothing else
    suite.py        a suite in nextstep's format: each moment has one suspect that its later events find guilty
    reading.py      a request as the simulated models read it, in process or behind the loopback server
    judges.py       a faithful judge with noise, and faults that are planted in it one at a time
    styles.py       the word by which the steps of a family can be known
    guessers.py     which of two steps a model wrote
    writers.py      the candidates, and the scribe that rewrites steps
    simulation.py   all of them behind one function from a request to a reply's text
    worlds.py       requests of all kinds over a made suite, and made pairs with their right verdicts

How truth is known: a step is worth 2 when it names the suspect that an event after the decision finds guilty, 1 when it
names another suspect of the trajectory's prefix, and 0 otherwise. Its form, its length and what else it says count for
nothing, so each departure of a judge from this order is its fault or its noise.
"""

from tests.simulated.judges import FAULTS, SILENT, Noise
from tests.simulated.simulation import Simulation
from tests.simulated.suite import write_world

__all__ = ["FAULTS", "SILENT", "Noise", "Simulation", "write_world"]
