"""Textbook formulas of queues, written down for tests independently of the package. Times in seconds, rates a second."""

import math


def erlang_b(servers: int, load: float) -> float:
    """Share of calls that find all servers of M/G/c/c busy (Erlang 1917), from the sum and not by recursion."""
    terms = [load**k / math.factorial(k) for k in range(servers + 1)]
    return terms[-1] / sum(terms)


def erlang_c(servers: int, load: float) -> float:
    """Share of calls of M/M/c that must wait; `load` is arrivals x mean service, below `servers`."""
    last = load**servers / math.factorial(servers) * servers / (servers - load)
    return last / (sum(load**k / math.factorial(k) for k in range(servers)) + last)


def mmc_mean_wait(arrivals: float, service_s: float, servers: int) -> float:
    """Mean wait of M/M/c over all calls, those that need not wait included."""
    load = arrivals * service_s
    return erlang_c(servers, load) * service_s / (servers - load)


def mmck(arrivals: float, service_s: float, servers: int, waiting: int) -> tuple[float, float]:
    """Share of calls refused by M/M/c with room for `waiting`, and the mean number that wait: from the balance equations."""
    load = arrivals * service_s
    weights = [1.0]
    for k in range(1, servers + waiting + 1):
        weights.append(weights[-1] * load / min(k, servers))
    total = sum(weights)
    queue = sum((k - servers) * weight for k, weight in enumerate(weights) if k > servers) / total
    return weights[-1] / total, queue


def pollaczek_khinchine(arrivals: float, mean_s: float, second_moment: float) -> float:
    """Mean wait of M/G/1."""
    return arrivals * second_moment / (2 * (1 - arrivals * mean_s))


def mm1_patience(arrivals: float, service_s: float, patience_s: float) -> float:
    """Share of calls of M/M/1 that give up after waiting for `patience_s` (Barrer 1957); arrivals x service must not be 1."""
    rate = 1 / service_s
    fall = math.exp(-(rate - arrivals) * patience_s)
    empty = 1 / (1 + arrivals * (1 - fall) / (rate - arrivals) + arrivals / rate * fall)
    return arrivals / rate * fall * empty


def lognormal_moments(median_s: float, sigma: float) -> tuple[float, float]:
    """Mean and second moment."""
    return median_s * math.exp(sigma**2 / 2), median_s**2 * math.exp(2 * sigma**2)
