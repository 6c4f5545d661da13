"""Adam with decoupled weight decay, a linear warmup and a cosine down to a tenth of the rate."""

import numpy as np


class AdamW:
    def __init__(self, params, lr=2e-3, betas=(0.9, 0.999), eps=1e-8, decay=0.01, warmup=100, total=2000):
        self.params = params
        self.lr, self.betas, self.eps, self.decay = lr, betas, eps, decay
        self.warmup, self.total = warmup, total
        self.t = 0
        self.m = [np.zeros_like(p) for p in params.values()]
        self.v = [np.zeros_like(p) for p in params.values()]

    def rate(self):
        if self.t <= self.warmup:
            return self.lr * self.t / self.warmup
        done = (self.t - self.warmup) / (self.total - self.warmup)
        return self.lr * (0.1 + 0.45 * (1 + np.cos(np.pi * done)))

    def step(self, grads):
        self.t += 1
        b1, b2 = self.betas
        rate = np.float32(self.rate())
        unbias1, unbias2 = np.float32(1 - b1**self.t), np.float32(1 - b2**self.t)
        for (name, p), m, v in zip(self.params.items(), self.m, self.v):
            g = grads[name]
            m += np.float32(1 - b1) * (g - m)
            v += np.float32(1 - b2) * (g * g - v)
            p -= rate * ((m / unbias1) / (np.sqrt(v / unbias2) + np.float32(self.eps)) + np.float32(self.decay) * p)
