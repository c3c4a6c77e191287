"""run_replicator: copy a table because an on-premise job has asked for it.

dagtrigger(1) triggers a run for each message of such a job, with the conf
database, table, run_id and message_id. The first task runs sync-table(1); the
last one, which runs however the first has ended, has dagtrigger close the
entry of the ledger. For Airflow 2.4 and later, and Airflow 3.

Settings are the Airflow variable "replicator", JSON:

    {
      "ledger": "ops.executions",
      "path": "/opt/sluice/bin",
      "environment": {"GOOGLE_CLOUD_PROJECT": "my-project", "PGPASSFILE": "/secrets/pgpass"},
      "databases": {
        "groupon_production": {
          "source": "mysql://reader@db.example.com/groupon_production",
          "dataset": "groupon",
          "options": ["--write", "truncate"]
        }
      }
    }

A database that is not there is refused. "command" in place of sync-table is a
list of words. No word of the conf ever reaches a shell, and none can be taken
for an option.
"""

from __future__ import annotations

import logging
import os
import re
import subprocess
from datetime import datetime, timedelta, timezone

try:
    from airflow.sdk import Variable, dag, get_current_context, task
except ImportError:
    from airflow.decorators import dag, task
    from airflow.models import Variable
    from airflow.operators.python import get_current_context

try:
    from airflow.sdk.exceptions import AirflowException, AirflowFailException
except ImportError:
    from airflow.exceptions import AirflowException, AirflowFailException

log = logging.getLogger(__name__)

NAME = r"[A-Za-z0-9_][A-Za-z0-9_-]*"
DATABASE = re.compile(NAME, re.ASCII)
TABLE = re.compile(rf"{NAME}(\.{NAME})?", re.ASCII)
RUN_ID = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,127}", re.ASCII)

TEMPORARY = 75  # "retry is sensible", of every program of Sluice


def settings():
    return Variable.get("replicator", deserialize_json=True)


def checked(conf, name, form, needed=True):
    """A word of the conf: whoever may trigger a DAG by hand may write anything into it."""
    value = (conf or {}).get(name)
    if value is None and not needed:
        return None
    if not isinstance(value, str) or not form.fullmatch(value):
        raise AirflowFailException(f"conf: {name} is {value!r}")
    return value


def run(words, configured):
    """Run a program without a shell; what it says goes into the task's log. The exit status."""
    environment = {**os.environ, **configured.get("environment", {})}
    if configured.get("path"):
        environment["PATH"] = configured["path"] + os.pathsep + environment.get("PATH", os.defpath)
    log.info("%s", words)
    with subprocess.Popen(
        words,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        for line in process.stdout:
            log.info("%s", line.rstrip("\n"))
    return process.returncode


def destination(dataset, table):
    return f"{dataset}.{table.replace('.', '__')}"


@dag(
    dag_id="run_replicator",
    description="Copy the table that an on-premise job asks for",
    schedule=None,
    start_date=datetime(2024, 1, 1, tzinfo=timezone.utc),
    catchup=False,
    is_paused_upon_creation=False,
    tags=["sluice"],
)
def run_replicator():
    @task(retries=3, retry_delay=timedelta(minutes=5))
    def replicate():
        conf = get_current_context()["dag_run"].conf
        configured = settings()
        database = checked(conf, "database", DATABASE)
        table = checked(conf, "table", TABLE)
        run_id = checked(conf, "run_id", RUN_ID, needed=False)
        found = configured.get("databases", {}).get(database)
        if not found:
            raise AirflowFailException(f"the variable 'replicator' has no database {database}")
        options = found.get("options", [])
        words = [*found.get("command", ["sync-table"]), *options]
        # One load for one message, whichever task instance it is that finishes it. Where only what is new is read,
        # the load's id follows from what the ledger has of the table.
        if run_id and not any(word == "--cursor" or word.startswith("--cursor=") for word in options):
            words += ["--run-id", run_id]
        status = run([*words, found["source"], table, destination(found["dataset"], table)], configured)
        if status == TEMPORARY:
            raise AirflowException(f"{words[0]} ended with {status}")
        if status != 0:
            raise AirflowFailException(f"{words[0]} ended with {status}, which trying again does not mend")
        return "done"

    @task(trigger_rule="all_done", retries=10, retry_delay=timedelta(minutes=1))
    def complete():
        context = get_current_context()
        run_id = checked(context["dag_run"].conf, "run_id", RUN_ID, needed=False)
        # A task that has failed returns nothing.
        status = "success" if context["ti"].xcom_pull(task_ids="replicate") == "done" else "failed"
        if run_id:
            configured = settings()
            words = ["dagtrigger", "--complete", run_id, "--status", status, "--ledger", configured["ledger"]]
            ended = run(words, configured)
            if ended != 0:
                raise AirflowException(f"dagtrigger ended with {ended}: the entry of {run_id} is not closed")
        if status != "success":
            # The last task's state is the run's.
            raise AirflowFailException("the table was not copied")

    replicate() >> complete()


run_replicator()
