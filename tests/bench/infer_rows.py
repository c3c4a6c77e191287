#!/usr/bin/env python3
"""infer_rows.py ROWS [MISSING]: typical NDJSON on stdout, 200 columns, 60 of them in records and in arrays of records.

MISSING is the share of the columns that a row leaves out, another set of them each time; 0 by default.
"""
import json
import random
import sys

WORDS = "lorem ipsum dolor sit amet consetetur sadipscing elitr sed diam nonumy eirmod tempor invidunt ut labore".split()


def text(rng):
    return " ".join(rng.choices(WORDS, k=rng.randrange(1, 9)))


def timestamp(rng):
    return "2024-%02d-%02dT%02d:%02d:%02d.%06dZ" % (
        rng.randrange(1, 13), rng.randrange(1, 29), rng.randrange(24), rng.randrange(60), rng.randrange(60), rng.randrange(10**6))


def date(rng):
    return timestamp(rng)[:10]


def scalars(rng, prefix, count, missing):
    makers = [text, lambda r: r.randrange(10**6), text, timestamp, lambda r: round(r.random() * 1000, 2), lambda r: r.random() < 0.5,
              lambda r: r.randrange(10**12), date, lambda r: "%032x" % r.getrandbits(128), lambda r: str(r.randrange(10**5))]
    return {"%s_%s_%d" % (prefix, WORDS[i % len(WORDS)], i): makers[i % len(makers)](rng) if rng.random() > 0.05 else None
            for i in range(count) if not missing or rng.random() >= missing}


def main():
    rng = random.Random(1)
    missing = float(sys.argv[2]) if len(sys.argv) > 2 else 0
    for number in range(int(sys.argv[1])):
        row = {"id": number, **scalars(rng, "column", 135, missing)}
        row["customer"] = {**scalars(rng, "customer", 17, missing), "address": scalars(rng, "address", 10, missing), "tags": rng.choices(WORDS, k=3)}
        row["items"] = [scalars(rng, "item", 10, missing) for _ in range(rng.randrange(1, 4))]
        row["device"] = {**scalars(rng, "device", 18, missing), "readings": [rng.randrange(1000) for _ in range(5)]}
        sys.stdout.write(json.dumps(row, separators=(",", ":")) + "\n")


main()
