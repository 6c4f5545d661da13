"""Values that are dear to make, kept as long as there is room: the ones that were used longest ago go first."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Value = TypeVar("Value")


class Kept(Generic[Value]):
    """Up to `room` in all of what `size` says of each value; the newest stays, however large."""

    def __init__(self, room: int, size: Callable[[Value], int]) -> None:
        self.room = room
        self.size = size
        self.used = 0
        self._values: OrderedDict[Hashable, tuple[Value, object]] = OrderedDict()

    def get(self, key: Hashable, owner: object, make: Callable[[], Value]) -> Value:
        """The value of this key, made if it is not there; `owner` lives as long as it: a key may name its id."""
        if key in self._values:
            self._values.move_to_end(key)
            return self._values[key][0]
        value = make()
        self._values[key] = value, owner
        self.used += self.size(value)
        while self.used > self.room and len(self._values) > 1:
            _, (gone, _) = self._values.popitem(last=False)
            self.used -= self.size(gone)
        return value

    def clear(self) -> None:
        """Forget all."""
        self._values.clear()
        self.used = 0
