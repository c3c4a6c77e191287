#!/usr/bin/env python3
"""Random rows through schemainfer and through generate-schema: the schemas must be the same bytes, the reports of values
that disagree must name the same lines and columns, and what one refuses the other must refuse at the same line.

    compare.py SCHEMAINFER ROUNDS [SEED]

Needs the package bigquery-schema-generator 1.6.1. Rows on which generate-schema stops with an exception of its own
("should never happen") prove nothing and are counted apart.
"""
import csv
import io
import json
import logging
import os
import random
import re
import subprocess
import sys
import tempfile

from bigquery_schema_generator.generate_schema import SchemaGenerator, bq_schema_to_map

from random_rows import csv_text, json_text

logging.disable(logging.CRITICAL)

FLAGS = ["keep_nulls", "quoted_values_are_strings", "infer_mode", "sanitize_names", "ignore_invalid_lines",
         "preserve_input_sort_order"]


class Outcome:
    """What one of the two made of the rows. schema None: refused, at the line `refused`."""

    def __init__(self):
        self.schema = self.refused = self.crash = None
        self.reports = set()  # (line, what, column in lower case)
        self.forgotten = set()  # the lines at which an array made its column forgotten


class Case:
    def __init__(self, rng):
        self.input_format = "csv" if rng.random() < 0.25 else "json"
        make = csv_text if self.input_format == "csv" else json_text
        self.text = make(rng)
        self.flags = {name: True for name in FLAGS if rng.random() < 0.25}
        if rng.random() < 0.1:
            self.flags["debugging_map"] = True
        self.existing = None
        if rng.random() < 0.2:
            before = Case.__new__(Case)
            before.input_format, before.text, before.existing = self.input_format, make(rng), None
            before.flags = {"infer_mode": True, "ignore_invalid_lines": True}
            schema = json.loads(generate_schema(before).schema or "null")
            if usable(schema):
                self.existing = {"fields": schema} if rng.random() < 0.3 else schema

    def lines(self):
        """Of each row the line on which it begins."""
        if self.input_format == "json":
            return range(1, self.text.count("\n") + 1)
        reader = csv.reader(io.StringIO(self.text, newline=None))
        starts, start = [], 1
        for row in reader:
            if row:
                starts.append(start)
            start = reader.line_num + 1
        return starts[1:]

    def show(self):
        return "%s %s\nexisting: %s\nrows:\n%s" % (self.input_format, sorted(self.flags), json.dumps(self.existing), self.text)


def usable(fields):
    """An existing schema that BigQuery could have: its names, and no empty RECORD."""
    return bool(fields) and all(
        f["name"] and f["name"].isprintable() and not set(f["name"]) & set("\"\\ .@") and
        (f["type"] != "RECORD" or usable(f["fields"])) for f in fields)


def column(name, case):
    """The path of a column as both write it; "" where they cannot be compared: the records in it are not sanitised there."""
    if "sanitize_names" in case.flags or len(name.encode("utf-8", "surrogatepass")) > 300:
        return ""
    name = re.sub("[\ud800-\udfff]", "\ufffd", name.lower()).replace("\0", "?")
    return re.sub(r"\.+", ".", name).strip(".")  # names may be empty


def covered(report, reports):
    line, what, name = report
    return any(line == l and what == w and (name == n or not name or not n) for l, w, n in reports)


def inside(report, reports):
    """It is of a column in a record that is left out as well: schemainfer does not look into those."""
    line, _, name = report
    return any(what == "left out" and other_line <= line and (not other or name.startswith(other + ".")) for other_line, what, other in reports)


def generate_schema(case):
    outcome, out, lines = Outcome(), io.StringIO(), list(case.lines())
    generator = SchemaGenerator(input_format=case.input_format, **case.flags)
    try:
        generator.run(io.StringIO(case.text, newline=None), out,
                      schema_map=bq_schema_to_map(case.existing) if case.existing else None)
        outcome.schema = out.getvalue()
    except Exception as e:
        if isinstance(e, json.JSONDecodeError) or "Record must be" in str(e):
            outcome.refused = lines[generator.line_number - 1]
        else:
            outcome.crash = e
    for log in generator.error_logs:
        line, message = lines[log["line_number"] - 1], log["msg"]
        conflict = re.search(r"old=\(\w+,(.*),(?:NULLABLE|REQUIRED|REPEATED),\w+\); new=\(", message, re.S)
        repeated = re.search(r'Converting schema for "(.*)" from', message, re.S)
        if conflict:
            outcome.reports.add((line, "left out", column(conflict[1], case)))
        elif repeated:
            outcome.reports.add((line, "repeated", column(repeated[1], case)))
        elif "array" in message:
            outcome.forgotten.add(line)
        elif message.startswith("Record ") and outcome.refused is None:
            outcome.reports.add((line, "invalid", ""))
    return outcome


def schemainfer(program, case):
    outcome = Outcome()
    command = [program, "--schema-only", "--quiet", "--log-format", "json", "--input-format", case.input_format]
    command += ["--mode", "compatible"] + ["--" + name.replace("_", "-") for name in case.flags]
    with tempfile.NamedTemporaryFile("w", dir="/dev/shm" if os.path.isdir("/dev/shm") else None) as existing:
        if case.existing:
            json.dump(case.existing, existing)
            existing.flush()
            command += ["--existing-schema-path", existing.name]
        done = subprocess.run(command, input=case.text.encode(), capture_output=True)
    if done.returncode not in (0, 65):
        raise SystemExit("exit status %d: %s\n%s" % (done.returncode, done.stderr.decode(), case.show()))
    outcome.schema = done.stdout.decode() if done.returncode == 0 else None
    for log in map(json.loads, done.stderr.decode().split("\n")[:-1]):
        message = log["msg"]
        numbered = re.match(r"line (\d+)", message)
        if not numbered:
            raise SystemExit("no line: %s\n%s" % (message, case.show()))
        line = int(numbered[1])
        conflict = re.match(r"line \d+: column (.*): .*, it was .* left out", message, re.S)
        repeated = re.match(r"line \d+: column (.*): .*: the column becomes REPEATED", message, re.S)
        if "the line is left out" in message:
            outcome.reports.add((line, "invalid", ""))
        elif conflict:
            outcome.reports.add((line, "left out", column(conflict[1], case)))
        elif repeated:
            outcome.reports.add((line, "repeated", column(repeated[1], case)))
        elif "is forgotten" in message:
            outcome.forgotten.add(line)
        else:
            outcome.refused = line
    return outcome


def known(schema):
    """Of --debugging-map; what stands in the fields of a column that is left out counts no more, and is not compared."""
    if not isinstance(schema, dict):
        return schema
    if schema.get("status") == "ignore":
        schema = {**schema, "info": {name: v for name, v in schema["info"].items() if name != "fields"}}
    return {name: known(v) for name, v in schema.items()}


def same_schema(case, want, have):
    if want == have or want is None or have is None or "debugging_map" not in case.flags:
        return want == have
    return json.dumps(known(json.loads(want))) == json.dumps(known(json.loads(have)))


def difference(case, want, have):
    if not same_schema(case, want.schema, have.schema):
        return "generate-schema:\n%s\nschemainfer:\n%s" % (want.schema, have.schema)
    missing = {r for r in want.reports if r[2] and not covered(r, have.reports) and not inside(r, want.reports)}
    more = {r for r in have.reports if not covered(r, want.reports)}
    if missing or more:
        return "only generate-schema: %s\nonly schemainfer: %s" % (missing, more)
    # generate-schema says it of every row, and also in records that are left out.
    silent = want.forgotten and not have.forgotten and not any(what == "left out" for _, what, _ in want.reports)
    if have.forgotten - want.forgotten or silent:
        return "forgotten, generate-schema: %s, schemainfer: %s" % (want.forgotten, have.forgotten)
    if want.refused != have.refused:
        return "refused, generate-schema: line %s, schemainfer: line %s" % (want.refused, have.refused)
    return None


def main():
    program, rounds = sys.argv[1], int(sys.argv[2])
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else random.randrange(10**9)
    counts = {"same": 0, "refused by both": 0, "exception": 0, "reports": 0}
    for i in range(rounds):
        case = Case(random.Random(seed * 1000003 + i))
        want, have = generate_schema(case), schemainfer(program, case)
        if want.crash:
            counts["exception"] += 1
            continue
        differ = difference(case, want, have)
        if differ:
            sys.exit("seed %d round %d %s\n%s" % (seed, i, case.show(), differ))
        counts["refused by both" if want.schema is None else "same"] += 1
        counts["reports"] += len(want.reports)
    print("seed %d, %d rounds: %s" % (seed, rounds, ", ".join("%d %s" % (n, k) for k, n in counts.items())))


if __name__ == "__main__":
    main()
