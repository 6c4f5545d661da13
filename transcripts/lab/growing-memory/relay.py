"""The relay joins the parts of a hive's report and hands whole reports to the sink."""

from collections import Counter, defaultdict

from framer import Framer


class BadPart(Exception):
    pass


class Relay:
    def __init__(self, sink, keep=600):
        self.sink = sink
        self.keep = keep
        self.framer = Framer()
        self.parts = defaultdict(dict)  # (hive, report) -> number -> (clock, text)
        self.faults = {}  # hive -> what went wrong there last
        self.counts = Counter()
        self.clock = 0

    def receive(self, block):
        for message in self.framer.feed(block):
            self.clock += 1
            try:
                self.take(message)
            except (BadPart, ValueError) as error:
                self.fault(message[:4].decode(), error)
            if self.clock % 500 == 0:
                self.expire()

    def take(self, message):
        fields = message.decode().split("|")
        if len(fields) != 5:
            raise BadPart(f"{len(fields)} fields")
        hive, report, number, total, text = fields[0], *map(int, fields[1:4]), fields[4]
        if self.is_repeat(hive, report, number, text):
            self.counts["repeats"] += 1
            return
        parts = self.parts[hive, report]
        parts[number] = self.clock, text
        if len(parts) == total:
            del self.parts[hive, report]
            self.sink(hive, report, "".join(parts[i][1] for i in range(total)))
            self.counts["reports"] += 1

    def is_repeat(self, hive, report, number, text):
        """A part is sent again when the answer got lost, sometimes under the number of the next report."""
        for key in ((hive, report), (hive, report - 1)):
            if number in self.parts[key] and self.parts[key][number][1] == text:
                return True
        return False

    def fault(self, hive, error):
        """Remember the fault, and the one before it for the log."""
        self.counts["bad"] += 1
        error.__cause__ = self.faults.get(hive)
        self.faults[hive] = error

    def expire(self):
        """Give up on reports that have waited too long for a part."""
        for key, parts in list(self.parts.items()):
            if parts and min(clock for clock, _ in parts.values()) < self.clock - self.keep:
                del self.parts[key]
                self.counts["expired"] += 1
