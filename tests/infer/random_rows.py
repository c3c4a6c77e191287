"""Random NDJSON and CSV, one text a seed: names and values such that generate-schema and schemainfer could disagree."""
import json
import random

KEYS = [
    "a", "b", "A", "c", "B", "dé", "DÉ", "long " * 12, 'q"uo\\te', "x-y", "x_y", "e\u2028", "😀", "", "nul\0l", "nul\0L",
    "new\nline", "half\ud800", "İ", "i̇", "ß", "SS", "ǅ", "\x7f", "a.b", "@a",
]
LONG = ["n" * 126 + "éA", "N" * 126 + "__", "n" * 125 + "ée"]
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
PATTERNS = [
    "2020-01-31", "2020-1-3T1:2:3.123456 +05:30", "12:34:56.5", "2020-12-31 23:59:59 UTC", "2020-01-01T00:00:00Z", "-12.5e+10",
    "+17", "9223372036854775807", "true", "False", ".5", "1:2:3",
]
EDITS = "0123456789-+:.TtZUC eE\n/_f"


def near_miss(rng):
    """A text of some type, or one byte or two away from it."""
    text = rng.choice(PATTERNS)
    for _ in range(rng.choice([0, 1, 1, 2, 3])):
        at = rng.randrange(len(text) + 1)
        text = text[:at] + rng.choice(["", rng.choice(EDITS)]) + text[at + rng.choice([0, 1]):]
    return text


def text(rng):
    return rng.choice(TEXTS) if rng.random() < 0.5 else near_miss(rng)


def number(rng):
    return rng.choice([
        0, 1, -1, 5, 2**53, 2**63 - 1, 2**63, -2**63, -2**63 - 1, 10**30, 0.5, -1.25, 1e300, 1e-7, 3.0,
        rng.randrange(-10**6, 10**6), rng.random(), float("nan"), float("inf"), float("-inf"),
    ])


def scalar(rng, wild):
    kind = rng.random()
    if kind < 0.35:
        return text(rng)
    if kind < 0.7:
        return number(rng)
    if kind < 0.85:
        return rng.choice([True, False])
    return None if rng.random() < wild + 0.2 else "word"


class Pairs(list):
    """The members of an object, a name perhaps twice."""


class Rows:
    """NDJSON whose columns mostly have one type each, so that not everything disagrees at once."""

    def __init__(self, rng):
        self.rng = rng
        self.wild = rng.choice([0, 0.02, 0.3])
        self.fixed = rng.random()
        self.keys = rng.sample(KEYS, rng.choice([4, 8, 12, len(KEYS)])) + (LONG if rng.random() < 0.05 else [])

    def usual(self, key, depth):
        """What a column has: its structure, and two scalars to choose from."""
        stable = random.Random(repr((key.lower(), depth, self.fixed)))
        return stable.choice(["scalar", "scalar", "scalar", "array", "object", "objects"]), [scalar(stable, 0) for _ in range(2)]

    def value(self, key, depth):
        rng = self.rng
        structure, scalars = self.usual(key, depth)
        if rng.random() < self.wild:
            structure, scalars = rng.choice(["scalar", "array", "object", "objects"]), [scalar(rng, self.wild)]
        if rng.random() < self.wild / 2 + 0.03:
            return rng.choice([None, [], Pairs()])
        if structure == "scalar" or depth >= 4:
            return rng.choice(scalars)
        if structure == "object":
            return self.members(depth + 1)
        count = rng.choice([0, 1, 1, 2, 3])
        if structure == "objects":
            return [self.members(depth + 1) for _ in range(count)]
        return [self.value(key, 9) if rng.random() < self.wild else rng.choice(scalars) for _ in range(count)]

    def members(self, depth):
        rng = self.rng
        pairs = Pairs()
        for key in rng.sample(self.keys, min(len(self.keys), rng.choice([0, 1, 2, 3, 5]))):
            pairs.append((key, self.value(key, depth)))
            if rng.random() < 0.005:
                pairs.append((key, scalar(rng, self.wild)))
        return pairs

    def string(self, s):
        raw = json.dumps(s, ensure_ascii=self.rng.random() < 0.5 or not is_utf8(s))
        if s and self.rng.random() < 0.05:
            at = self.rng.randrange(len(s))
            if ord(s[at]) < 0x10000:
                return json.dumps(s[:at])[:-1] + "\\u%04X" % ord(s[at]) + json.dumps(s[at + 1:])[1:]
        return raw

    def dump(self, v):
        space = self.rng.choice(["", "", "", "", " ", "\t"])
        if isinstance(v, Pairs):
            inner = ("," + space).join(self.string(k) + space + ":" + space + self.dump(x) for k, x in v)
            return "{" + space + inner + space + "}"
        if isinstance(v, list):
            return "[" + space + ("," + space).join(self.dump(x) for x in v) + space + "]"
        return self.string(v) if isinstance(v, str) else json.dumps(v)


def broken(rng, line):
    return rng.choice([line[:-1], line + "]", "[1]", "", "1", '{"a":01}', line + "x", '{"a":}', line[:-1] + ',"a"}', line[:-1] + ",}"])


def json_text(rng):
    rows = Rows(rng)
    lines = [rows.dump(rows.members(0)) for _ in range(rng.choice([1, 2, 4, 8, 12, 40]))]
    for i in range(len(lines)):
        if rng.random() < 0.02:
            lines[i] = broken(rng, lines[i])
    return "".join(line + "\n" for line in lines)


def csv_cell(rng, cell):
    if rng.random() < 0.2 or any(c in cell for c in ',"\n\r'):
        return '"' + cell.replace('"', '""') + '"' + rng.choice(["", "", "", "", "x", 'y"z'])
    return cell


def csv_text(rng):
    columns = rng.sample(["a", "b", "C", "c", "d d", "é", "x-y", "two\nlines", 'q"'], rng.randrange(1, 6))
    if rng.random() < 0.05:
        columns.append(columns[0])
    kinds = [[text(rng) for _ in range(2)] for _ in columns]
    lines = [",".join(csv_cell(rng, c) for c in columns)]
    for _ in range(rng.choice([0, 1, 3, 10, 30])):
        row = [csv_cell(rng, text(rng) if rng.random() < 0.05 else rng.choice(k)) if rng.random() < 0.9 else "" for k in kinds]
        if rng.random() < 0.1:
            row = row[:rng.randrange(0, len(row) + 1)]
        lines.append(",".join(row))
    return "".join(line + rng.choice(["\n", "\n", "\r\n"]) for line in lines)


def is_utf8(s):
    return not any(0xd800 <= ord(c) < 0xe000 for c in s)
