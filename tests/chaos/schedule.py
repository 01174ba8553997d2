"""What is done to whom and when: all of it follows from the seed."""

import random
from dataclasses import dataclass

# How long a killed process stays away, and how long a short pause is, as parts of the lease.
AWAY = (0.0, 0.8)
SHORT = (0.02, 0.6)
LONG = (1.1, 2.2)


@dataclass(frozen=True, order=True)
class Fault:
    at_s: float
    kind: str
    target: str
    # Until it is started or woken again.
    for_s: float
    # Which of the guests.
    pick: float = 0.0


def faults(rng: random.Random, seconds: float, every_s: float, workers: int, lease_s: float) -> list:
    names = ["sentinel", "scout", *(f"worker-{number}" for number in range(workers))]
    found = []
    at_s = 0.0
    while True:
        at_s += rng.expovariate(1 / every_s)
        if at_s >= seconds:
            return found
        found.append(fault(rng, at_s, names, lease_s))


def fault(rng: random.Random, at_s: float, names: list, lease_s: float) -> Fault:
    kind = rng.choices(
        ["kill", "pause", "kill guest", "pause guest", "sleep"], weights=[8, 10, 2, 3, 1]
    )[0]
    target = rng.choice(names)
    if kind.endswith("guest"):
        target = rng.choice(names[2:])
    if kind.startswith("kill"):
        span = AWAY
    elif kind == "sleep":
        span = LONG
    else:
        span = rng.choice([SHORT, LONG])
    return Fault(at_s, kind, target, rng.uniform(*span) * lease_s, rng.random())
