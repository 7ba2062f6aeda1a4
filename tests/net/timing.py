# SPDX-License-Identifier: GPL-3.0-or-later
"""Does the time of a refusal tell whether a user exists?

Names that exist and names of nobody take turns, in an order of chance, each with a wrong password; the time from the answer of the
client to the refusal of the server is kept. Names are compared within a scheme of password hash: those of nobody belong to the scheme
whose time is nearest. The comparison is of ranks (Mann-Whitney), so that a slow moment of the machine counts no more than a slow
measurement does, and the turns share such moments out evenly.

A leak is said to be there if a scheme has no names of nobody at all (then its users are told apart by their time), or if a name that
exists is slower or quicker than one of nobody in more than 70 of 100 pairs while chance alone is ruled out (|z| > 5).
"""
import argparse
import math
import random
import statistics
import sys
import time

import vpn

APART = 0.20  # of 0.5: how far from a coin the order of a pair may be
Z = 5


def ranks(a, b):
    """(share of pairs in which a is larger, z): Mann-Whitney with ties."""
    values = sorted((v, k) for k, group in enumerate((a, b)) for v in group)
    total, i = 0.0, 0
    while i < len(values):
        j = i
        while j < len(values) and values[j][0] == values[i][0]:
            j += 1
        total += sum(k == 0 for _, k in values[i:j]) * (i + j + 1) / 2
        i = j
    u = total - len(a) * (len(a) + 1) / 2
    sigma = math.sqrt(len(a) * len(b) * (len(a) + len(b) + 1) / 12)
    return u / (len(a) * len(b)), (u - len(a) * len(b) / 2) / sigma


class Prober:
    def __init__(self, to, ca):
        self.to, self.ca, self.client = to, ca, None

    def fresh(self):
        if self.client:
            self.client.close()
        self.client = vpn.Client(self.to, ca=self.ca, timeout=60)

    def time_of(self, name, password, plant_s):
        """Seconds until the refusal; the form is asked for before the clock runs."""
        for _ in range(2):
            try:
                if self.client is None:
                    self.fresh()
                self.client.context = ""
                last = self.client.init()
                begun = time.perf_counter()
                if plant_s:
                    time.sleep(plant_s)
                answer = self.client.reply({"username": name, "password": password}, last)
                took = time.perf_counter() - begun
                assert not answer.cookie("webvpn"), f"{name} got in"
                assert b"<form" in answer.body, answer.body[:300]
                return took
            except (vpn.Closed, OSError):
                self.client = None
        raise SystemExit("the server closes the connection")


def measure(prober, names, args, planted=()):
    times = {name: [] for name in names}
    end = time.monotonic() + args.seconds
    while time.monotonic() < end:
        order = list(names)
        random.shuffle(order)
        for name in order:
            times[name].append(prober.time_of(name, args.password, args.plant_ms / 1000 if name in planted else 0))
    return times


def median(times, names):
    return statistics.median(v for n in names for v in times[n])


def judge(schemes, nobody, times, shift=0.0):
    """Lines, and the number of leaks. schemes: name of the scheme -> kind (known, locked, ...) -> names."""
    lines, leaks = [], 0
    centre = {s: median(times, kinds["known"]) for s, kinds in schemes.items()}
    of = {s: [] for s in schemes}
    for name in nobody:
        at = statistics.median(times[name])
        of[min(schemes, key=lambda s: abs(math.log(at / centre[s])))].append(name)
    for scheme, kinds in schemes.items():
        if not of[scheme]:
            leaks += 1
            lines.append(f"LEAK {scheme}: no name of nobody takes {centre[scheme] * 1000:.2f} ms as its users do")
            continue
        others = [v for n in of[scheme] for v in times[n]]
        for kind, names in kinds.items():
            own = [v + max(0.001, shift * centre[scheme]) if shift else v for n in names for v in times[n]]
            share, z = ranks(own, others)
            is_leak = abs(share - 0.5) > APART and abs(z) > Z
            leaks += is_leak
            lines.append(f"{'LEAK' if is_leak else 'even'} {scheme}, {kind}: {len(own)} of {len(names)} names, median {statistics.median(own) * 1000:.2f} ms; "
                         f"nobody: {len(others)} of {len(of[scheme])}, {statistics.median(others) * 1000:.2f} ms; larger in {share:.0%}, z {z:.1f}")
    return lines, leaks


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--to", default="198.51.100.1")
    parser.add_argument("--ca")
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--password", default="wrong guess")
    parser.add_argument("--nobody", type=int, default=24)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--plant-ms", type=float, default=0, help="the names that exist answer so much later")
    parser.add_argument("--shift", type=float, default=0, help="and once more as if they took so much longer (a share)")
    parser.add_argument("kinds", nargs="+", help="SCHEME:KIND:NAME[,NAME...]")
    args = parser.parse_args()
    seed = args.seed if args.seed is not None else random.SystemRandom().randrange(1 << 32)
    print(f"seed {seed}")
    random.seed(seed)
    schemes = {}
    for text in args.kinds:
        scheme, kind, names = text.split(":")
        schemes.setdefault(scheme, {})[kind] = names.split(",")
    known = [n for kinds in schemes.values() for names in kinds.values() for n in names]
    nobody = [f"no{i:0{len(known[0]) - 2}d}" for i in range(args.nobody)]
    prober = Prober(args.to, args.ca)
    prober.time_of(nobody[0], args.password, 0)
    times = measure(prober, known + nobody, args, set(known))
    lines, leaks = judge(schemes, nobody, times)
    print("\n".join(lines))
    if args.shift:
        shifted, _ = judge(schemes, nobody, times, args.shift)
        print("\n".join("with a leak of its own: " + line for line in shifted))
        if sum("LEAK" in line and ", known:" in line for line in shifted) < len(schemes):
            print("the measurement is too coarse: a leak of that size is not seen")
            return 2
    return 1 if leaks else 0


if __name__ == "__main__":
    sys.exit(main())
