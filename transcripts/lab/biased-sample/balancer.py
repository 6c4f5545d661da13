"""What the load balancer exports: number of requests and summed milliseconds, by hour."""


class Balancer:
    def __init__(self):
        self.requests = [0] * 24
        self.total_ms = [0.0] * 24

    def count(self, request):
        hour = int(request.at // 3600)
        self.requests[hour] += 1
        self.total_ms[hour] += request.ms

    def mean(self):
        return sum(self.total_ms) / sum(self.requests)
