"""Cuts the byte stream of the modem into messages: length, colon, message, newline."""


class Framer:
    def __init__(self):
        self.buffer = bytearray()
        self.start = 0

    def feed(self, block):
        """Take one block, return the messages that are complete now."""
        self.buffer += block
        messages = []
        while True:
            colon = self.buffer.find(b":", self.start)
            if colon < 0:
                break
            end = colon + 1 + int(self.buffer[self.start : colon])
            if len(self.buffer) <= end:
                break
            messages.append(bytes(self.buffer[colon + 1 : end]))
            self.start = end + 1
        return messages

    def quiet(self):
        """Nothing on the line: a good time to drop what has been read."""
        if self.start == len(self.buffer):
            self.buffer.clear()
            self.start = 0
