"""Keep the arrays a function returns on disk, by its source and its arguments."""

import functools
import hashlib
import inspect
from pathlib import Path

import numpy as np

FOLDER = Path(".cache")


def cached(function):
    source = inspect.getsource(function)

    @functools.wraps(function)
    def wrapper(*args):
        key = hashlib.sha1(repr((source, args)).encode()).hexdigest()[:16]
        path = FOLDER / f"{function.__name__}-{key}.npy"
        if path.exists():
            return np.load(path)
        result = function(*args)
        FOLDER.mkdir(exist_ok=True)
        np.save(path, result)
        return result

    return wrapper
