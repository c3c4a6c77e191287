#!/usr/bin/env python3
"""Random rows through schemainfer and through generate-schema: the schemas must be the same bytes.

    compare.py SCHEMAINFER ROUNDS [SEED]

Needs the package bigquery-schema-generator 1.6.1. Rows on which generate-schema stops with an exception of its own
("should never happen") prove nothing and are counted apart.
"""
import io
import json
import logging
import random
import subprocess
import sys

from bigquery_schema_generator.generate_schema import SchemaGenerator

logging.disable(logging.CRITICAL)

KEYS = ["a", "b", "A", "c", "B", "dé", "DÉ", "long " * 12, 'q"uo\\te', "x-y", "x_y", "e\u2028", "😀", ""]
TEXTS = [
    "", "text", "true", "False", "TRUE ", "0", "-1", "+17", "007", "9223372036854775807", "9223372036854775808",
    "-9223372036854775808", "-9223372036854775809", "00000000000000000000000012", "1.", ".5", "-.5e3", "1e5", "1.5E+7",
    "1e", "e5", ".", "+", "-", "1_000", "0x10", "2020-01-01", "2020-1-1", "2020-13-01", "2020-00-10", "2020-12-32",
    "2020-02-31", "12020-01-01", "2020-01-01\n", "12\n", "12:00:00", "1:2:3", "99:99:99", "12:00", "12:00:00.123456",
    "12:00:00.1234567", "12:00:00.", "2020-01-01T10:00:00", "2020-1-1 1:2:3", "2020-01-01T10:00:00Z",
    "2020-01-01 10:00:00 UTC", "2020-01-01 10:00:00   +05:30", "2020-01-01 10:00:00-5", "2020-01-01 10:00:00+0530",
    "2020-01-01T10:00:00.123456Z", "2020-01-01T10:00:00.1234567Z", "2020-01-01t10:00:00z", "2020-99-99T99:99:99",
    "2020-01-01T10:00:00 Z ", "2020-01-01T10:00:00UTC+1", " 12", "12 ", "nan", "Infinity", "é", "\u00e9" * 30, "a,b",
    "2020-01-01T10:00:00+05:3", "2020-01-01T10:00:00+05:", "123456789012345678", "\t", 'say "hi"',
]


def number(rng):
    return rng.choice([
        0, 1, -1, 5, 2**53, 2**63 - 1, 2**63, -2**63, -2**63 - 1, 10**30, 0.5, -1.25, 1e300, 1e-7, 3.0,
        rng.randrange(-10**6, 10**6), rng.random(), float("nan"), float("inf"), float("-inf"),
    ])


def scalar(rng, wild):
    kind = rng.random()
    if kind < 0.35:
        return rng.choice(TEXTS)
    if kind < 0.7:
        return number(rng)
    if kind < 0.85:
        return rng.choice([True, False])
    return None if rng.random() < wild + 0.2 else "word"


class Pairs(list):
    """The members of an object, a name perhaps twice."""


def value(rng, depth, wild, make):
    kind = rng.random()
    if depth < 4 and kind < 0.2:
        return members(rng, depth + 1, wild)
    if depth < 4 and kind < 0.4:
        count = rng.choice([0, 1, 1, 2, 3])
        if rng.random() < 0.5:
            return [members(rng, depth + 1, wild) for _ in range(count)]
        one = make() if rng.random() > wild else None
        return [one if one is not None else value(rng, depth + 1, wild, make) for _ in range(count)]
    return scalar(rng, wild) if rng.random() < wild else make()


def members(rng, depth, wild):
    pairs = Pairs()
    for key in rng.sample(KEYS, rng.choice([0, 1, 2, 3, 5])):
        # Mostly one type a name, so that not everything disagrees at once.
        stable = random.Random(key.lower() + str(depth) + str(rng.fixed))
        candidates = [scalar(stable, 0) for _ in range(2)]
        pairs.append((key, value(rng, depth, wild, lambda c=candidates: rng.choice(c))))
        if rng.random() < 0.01:
            pairs.append((key, scalar(rng, wild)))
    return pairs


def dump(rng, v):
    space = rng.choice(["", "", "", " ", "\t"])
    if isinstance(v, Pairs):
        inner = ("," + space).join(dump(rng, k) + space + ":" + space + dump(rng, x) for k, x in v)
        return "{" + space + inner + space + "}"
    if isinstance(v, list):
        return "[" + space + ("," + space).join(dump(rng, x) for x in v) + space + "]"
    return json.dumps(v, ensure_ascii=rng.random() < 0.5)


def json_case(rng):
    wild = rng.choice([0, 0.02, 0.3])
    rng.fixed = rng.random()
    lines = [dump(rng, members(rng, 0, wild)) for _ in range(rng.randrange(1, 12))]
    for i in range(len(lines)):
        if rng.random() < 0.03:
            lines[i] = rng.choice([lines[i][:-1], lines[i] + "]", "[1]", "", "1", '{"a":01}', lines[i] + "x", '{"a":}'])
    return "".join(line + "\n" for line in lines)


def csv_cell(rng, text):
    if rng.random() < 0.2 or any(c in text for c in ',"\n\r'):
        return '"' + text.replace('"', '""') + '"' + rng.choice(["", "", "", "", "x", 'y"z'])
    return text


def csv_case(rng):
    columns = rng.sample(["a", "b", "C", "c", "d d", "é", "x-y"], rng.randrange(1, 6))
    if rng.random() < 0.05:
        columns.append(columns[0])
    kinds = [[rng.choice(TEXTS) for _ in range(2)] for _ in columns]
    lines = [",".join(csv_cell(rng, c) for c in columns)]
    for _ in range(rng.randrange(0, 10)):
        row = [csv_cell(rng, rng.choice(TEXTS if rng.random() < 0.05 else k)) if rng.random() < 0.9 else "" for k in kinds]
        if rng.random() < 0.1:
            row = row[:rng.randrange(0, len(row) + 1)]
        lines.append(",".join(row))
    return "".join(line + rng.choice(["\n", "\n", "\r\n"]) for line in lines)


def flags(rng):
    names = ["keep_nulls", "quoted_values_are_strings", "infer_mode", "sanitize_names", "ignore_invalid_lines",
             "preserve_input_sort_order"]
    return {name: True for name in names if rng.random() < 0.25}


def expected(text, options, input_format, existing):
    """The schema as generate-schema prints it; None: it stops at an invalid line; an Exception of its own."""
    from bigquery_schema_generator.generate_schema import bq_schema_to_map
    generator = SchemaGenerator(input_format=input_format, **options)
    source = io.StringIO(text, newline=None)
    out = io.StringIO()
    try:
        generator.run(source, out, schema_map=bq_schema_to_map(existing) if existing else None)
    except json.JSONDecodeError:
        return None
    except Exception as e:
        if "Record must be" in str(e):
            return None
        return e
    return out.getvalue()


def got(program, text, options, input_format, existing):
    command = [program, "--schema-only", "--quiet", "--input-format", input_format]
    command += ["--" + name.replace("_", "-") for name in options]
    if existing:
        with open("/dev/shm/schemainfer-compare.%d" % __import__("os").getpid(), "w") as f:
            json.dump(existing, f)
        command += ["--existing-schema-path", f.name]
    done = subprocess.run(command, input=text.encode(), capture_output=True)
    if done.returncode == 0:
        return done.stdout.decode()
    return None if done.returncode == 65 else "exit status %d: %s" % (done.returncode, done.stderr.decode())


def main():
    program, rounds = sys.argv[1], int(sys.argv[2])
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else random.randrange(10**9)
    counts = {"same": 0, "refused by both": 0, "exception": 0}
    for i in range(rounds):
        rng = random.Random(seed * 1000003 + i)
        input_format = "csv" if rng.random() < 0.3 else "json"
        text = (csv_case if input_format == "csv" else json_case)(rng)
        options = flags(rng)
        existing = None
        if rng.random() < 0.2:
            first = expected((csv_case if input_format == "csv" else json_case)(rng),
                             {"infer_mode": True, "ignore_invalid_lines": True}, input_format, None)
            existing = json.loads(first) if isinstance(first, str) else None
            if not usable(existing):
                existing = None
        want = expected(text, options, input_format, existing)
        have = got(program, text, options, input_format, existing)
        if isinstance(want, Exception):
            counts["exception"] += 1
            if have is not None and have.startswith("exit status"):
                sys.exit("seed %d round %d: %s\n%s" % (seed, i, have, text))
        elif want != have:
            sys.exit("seed %d round %d %s %s\nexisting: %s\nrows:\n%s\ngenerate-schema:\n%s\nschemainfer:\n%s" %
                     (seed, i, input_format, options, json.dumps(existing), text, want, have))
        else:
            counts["refused by both" if want is None else "same"] += 1
    print("seed %d, %d rounds: %s" % (seed, rounds, ", ".join("%d %s" % (n, k) for k, n in counts.items())))


def usable(fields):
    """An existing schema that BigQuery could have: its names, and no empty RECORD."""
    return bool(fields) and all(
        f["name"] and not set(f["name"]) & set('"\\ ') and (f["type"] != "RECORD" or usable(f["fields"])) for f in fields)


if __name__ == "__main__":
    main()
