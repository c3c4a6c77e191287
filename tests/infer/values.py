#!/usr/bin/env python3
"""Random rows through schemainfer and bqload into localcloud: every value must be there as it was.

    values.py BIN ROUNDS [SEED]

BIN has the programs. $LOCALCLOUD_URL is the server, $PROJECT the project; the dataset "inferred" must exist. The rows of
a round come as a FILE, through a pipe, or as a row stream, in turn; a quarter of the rounds is CSV.
"""
import io
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import urllib.request
from datetime import datetime, timedelta, timezone
from decimal import Decimal

CLEAN = re.compile(r"[^A-Za-z0-9_]")
TIMESTAMP = re.compile(r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:\.(\d+))? *(?:[Zz]|UTC|([+-])(\d\d):?(\d\d)?)?$")


class Number(str):
    """A number as it stands in JSON: no digit is lost by reading it."""


def write(v):
    if isinstance(v, Number):
        return str(v)
    if isinstance(v, dict):
        return "{" + ",".join(json.dumps(k) + ":" + write(x) for k, x in v.items()) + "}"
    if isinstance(v, list):
        return "[" + ",".join(map(write, v)) + "]"
    return json.dumps(v, ensure_ascii=False)


# --- rows ---

def digits(rng, n):
    return "".join(rng.choices("0123456789", k=n))


def clock(rng):
    return "%02d:%02d:%02d" % (rng.randrange(24), rng.randrange(60), rng.randrange(60)) + rng.choice(["", "." + digits(rng, 3), "." + digits(rng, 6)])


def day(rng):
    return "%04d-%02d-%02d" % (rng.randrange(1900, 2100), rng.randrange(1, 13), rng.randrange(1, 29))


SCALARS = {
    "integer": lambda r: Number(r.randrange(-10**6, 10**6)),
    "long": lambda r: Number(r.choice([2**53 + 1, -2**63, 2**63 - 1, r.randrange(-2**63, 2**63)])),
    "huge": lambda r: Number(r.choice([2**63, 2**64 - 1, 10**r.randrange(19, 40), -r.getrandbits(100)])),
    "money": lambda r: Number("%d.%02d" % (r.randrange(10**6), r.randrange(100))),
    "float": lambda r: Number(repr(r.uniform(-1e9, 1e9))),
    "exponent": lambda r: Number(r.choice(["1e5", "-2.5E-7", "1e300", "0e0", "1.0", "5E+3", "123.456e2"])),
    "decimal": lambda r: Number("%d.%s1" % (r.randrange(10**9), digits(r, r.choice([8, 15, 30, 37, 45])))),
    "not_finite": lambda r: Number(r.choice(["NaN", "Infinity", "-Infinity", "1.5"])),
    "boolean": lambda r: r.choice([True, False]),
    "text": lambda r: r.choice(["", "a", "é😀\u2028", 'say "hi"\\', "line\nfeed\ttab\u0001", "a\r\nb\rc\n", "null", "NaN", "[]", " 1", "x" * 300]),
    "zeros": lambda r: digits(r, 5),
    "quoted": lambda r: str(r.randrange(-10**6, 10**6)),
    "quoted_decimal": lambda r: "%d.%02d" % (r.randrange(100), r.randrange(100)),
    "quoted_boolean": lambda r: r.choice(["true", "False", "TRUE"]),
    "date": day,
    "no_date": lambda r: r.choice([day(r), "2023-02-29", "0000-01-01"]),
    "time": clock,
    "datetime": lambda r: day(r) + r.choice("T ") + clock(r),
    "timestamp": lambda r: day(r) + r.choice("T ") + clock(r) + r.choice(["Z", " UTC", "+05:30", "-0800", "+00"]),
    "nanoseconds": lambda r: day(r) + "T" + clock(r)[:8] + ".123456789Z",
}
NAMES = ["a", "B", "user id", "2nd", "name-with-dash", "_x", "CamelCase", "q\"uote", "é", "order", "n" * 60, "c1", "c2", "c3", "c4"]


class Column:
    def __init__(self, rng, depth):
        self.kind = rng.choice(list(SCALARS))
        self.shape = rng.choice(["scalar", "scalar", "scalar", "array", "record", "records", "nested"] if depth < 3 else ["scalar", "array"])
        self.wild = rng.choice([0, 0, 0.1])
        self.columns = columns(rng, depth + 1, 4) if self.shape in ("record", "records") else {}

    def value(self, rng):
        if rng.random() < 0.15:
            return rng.choice([None, None, [], {}]) if self.wild else None
        shape = rng.choice(["scalar", "array", "nested"]) if rng.random() < self.wild else self.shape
        kind = rng.choice(list(SCALARS)) if rng.random() < self.wild else self.kind
        if shape in ("record", "records"):
            records = [row(rng, self.columns) for _ in range(rng.randrange(3))]
            return records if shape == "records" else row(rng, self.columns)
        if shape == "scalar":
            return SCALARS[kind](rng)
        array = [SCALARS[kind](rng) for _ in range(rng.randrange(4))]
        return [array, [None]] if shape == "nested" else array


def columns(rng, depth, count):
    return {name: Column(rng, depth) for name in rng.sample(NAMES, rng.randrange(1, count))}


def row(rng, cols):
    return {rng.choice([name, name, name.upper()]): column.value(rng) for name, column in cols.items() if rng.random() > 0.1}


# --- what must be there ---

def clean(name):
    name = CLEAN.sub("_", name)
    return (name if not name[:1].isdigit() else "_" + name).lower()


def instant(text):
    date, time, fraction, sign, hours, minutes = TIMESTAMP.match(text).groups()
    moment = datetime.fromisoformat(date + "T" + time).replace(tzinfo=timezone.utc)
    east = timedelta(hours=int(hours or 0), minutes=int(minutes or 0)) * (-1 if sign == "-" else 1)
    since = moment - east - datetime(1970, 1, 1, tzinfo=timezone.utc)
    return (since // timedelta(seconds=1)) * 10**6 + int((fraction or "0").ljust(6, "0")[:6])


def plain(v):
    """JSON as values that compare: numbers are Decimals."""
    if isinstance(v, dict):
        return {k: plain(x) for k, x in v.items()}
    if isinstance(v, list):
        return [plain(x) for x in v]
    if isinstance(v, Number):
        return ("number", Decimal(v)) if v[-1].isdigit() else ("number", str(v))
    return v


def parse(text):
    return plain(json.loads(text, parse_int=Number, parse_float=Number, parse_constant=Number))


def is_same(v, field, cell):
    """One value other than null and a cell of tabledata.list."""
    kind = field["type"]
    if kind == "RECORD":
        return isinstance(v, dict) and same_record(v, field["fields"], cell)
    if kind == "JSON":
        return parse(cell) == plain(v)
    if kind == "STRING" and isinstance(v, (dict, list)):
        return parse(cell) == plain(v)
    text = v if isinstance(v, str) else json.dumps(v)
    if kind == "STRING":
        return cell == text
    if kind == "BOOLEAN":
        return cell == text.lower()
    if kind == "INTEGER":
        return int(cell) == int(text)
    if kind in ("FLOAT", "NUMERIC", "BIGNUMERIC"):
        return cell == text if not text[-1].isdigit() else Decimal(cell) == Decimal(text)
    if kind == "TIMESTAMP":
        return int(cell) == instant(text)
    if kind == "DATETIME":
        return instant(cell) == instant(text)
    if kind == "TIME":
        return instant("2000-01-01T" + cell) == instant("2000-01-01T" + text)
    return kind == "DATE" and cell == text


def same_field(v, field, cell):
    if field.get("mode") == "REPEATED":
        v = [] if v is None else v
        return isinstance(v, list) and len(v) == len(cell) and all(is_same(x, field, c["v"]) for x, c in zip(v, cell))
    if v is None or cell is None:
        # A RECORD of nothing but NULLs, and JSON's null, say as much as NULL.
        return (v is None and (cell in (None, "null") or field["type"] == "RECORD")) or (v == {} and cell is None)
    return is_same(v, field, cell)


def same_record(v, fields, cell):
    values = {clean(name): x for name, x in v.items()}
    for field, c in zip(fields, cell["f"]):
        if not same_field(values.pop(field["name"].lower(), None), field, c["v"]):
            return False
    return all(is_nothing(x) for x in values.values())


def is_nothing(v):
    """No column is made for it."""
    return v is None or v == [] or (isinstance(v, dict) and all(map(is_nothing, v.values())))


# --- rounds ---

class Round:
    def __init__(self, rng, number):
        self.csv = number % 4 == 3
        self.table = "t%d" % number
        cols = columns(rng, 0, 8)
        self.rows = [{"row": Number(i), **row(rng, cols)} for i in range(rng.choice([1, 3, 20, 60]))]
        if self.csv:
            self.rows, self.text = csv_rows(rng)
        else:
            self.text = "".join(write(r) + "\n" for r in self.rows)

    def commands(self, path, number):
        options = "--input-format csv" if self.csv else "--bare"
        if number % 3 == 0:
            return "schemainfer -q %s %s | bqload -q --bare inferred.%s" % (options, path, self.table)
        if number % 3 == 1 or self.csv:
            return "cat %s | schemainfer -q %s | bqload -q --bare inferred.%s" % (path, options, self.table)
        return "rowwrap -- cat %s | schemainfer -q | bqload -q inferred.%s" % (path, self.table)


def csv_rows(rng):
    kinds = rng.sample([k for k in SCALARS if k not in ("text", "not_finite")], 4)
    names = ["row"] + ["column %d" % i for i in range(len(kinds) + 1)]
    rows, out = [], io.StringIO()
    end = rng.choice(["\n", "\r\n"])
    out.write(rng.choice(["", "\ufeff"]) + ",".join(names) + end)
    for i in range(rng.choice([1, 5, 30])):
        values = {"row": str(i)}
        cells = [str(i)]
        for name, kind in zip(names[1:], kinds + ["text"]):
            value = SCALARS[kind](rng)
            value = json.dumps(value) if isinstance(value, bool) else str(value)
            null = rng.random() < 0.2
            values[name] = None if null else value
            quoted = kind == "text" or "," in value or rng.random() < 0.1
            cells.append("" if null else '"' + value.replace('"', '""') + '"' if quoted else value)
        rows.append(values)
        out.write(",".join(cells) + end)
    return rows, out.getvalue()


def get(path):
    url = "%s/bigquery/v2/projects/%s/datasets/inferred/tables/%s" % (os.environ["LOCALCLOUD_URL"], os.environ["PROJECT"], path)
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=60) as answer:
        return json.load(answer)


def one(binaries, rng, number):
    r = Round(rng, number)
    with tempfile.NamedTemporaryFile("w", newline="", encoding="utf-8") as f:
        f.write(r.text)
        f.flush()
        environment = {**os.environ, "PATH": binaries + ":" + os.environ["PATH"]}
        done = subprocess.run(["bash", "-o", "pipefail", "-c", r.commands(f.name, number)], capture_output=True, env=environment)
    if done.returncode:
        return "exit status %d: %s\n%s" % (done.returncode, done.stderr.decode(), r.text)
    fields = get(r.table)["schema"]["fields"]
    cells = get(r.table + "/data?formatOptions.useInt64Timestamp=true").get("rows", [])
    place = [f["name"] for f in fields].index("row")
    cells.sort(key=lambda c: int(c["f"][place]["v"]))
    if len(cells) != len(r.rows):
        return "%d rows, not %d\n%s" % (len(cells), len(r.rows), r.text)
    for v, cell in zip(r.rows, cells):
        if not same_record(v, fields, cell):
            return "%s\nis\n%s\nin %s\nof\n%s" % (write(v), json.dumps(cell), json.dumps(fields), r.text)
    return None


def main():
    binaries, rounds = sys.argv[1], int(sys.argv[2])
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else random.randrange(10**9)
    for number in range(rounds):
        difference = one(binaries, random.Random(seed * 1000003 + number), number)
        if difference:
            sys.exit("seed %d round %d: %s" % (seed, number, difference))
    print("seed %d: %d of %d tables are as they were" % (seed, rounds, rounds))


main()
