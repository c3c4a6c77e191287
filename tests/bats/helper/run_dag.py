"""Run the tasks of pipelines/airflow/run_replicator.py in their order, without Airflow: run_dag.py DAG VARIABLE CONF

VARIABLE and CONF are JSON: the value of the variable "replicator", and the run's conf. What Airflow's names are for the DAG
is defined here, as little as it uses. Retries are not made; a line tells how each task ended: "task state [exception]".
Exit status 1: the last one failed, as the run would. tests/interop has the DAG in a real Airflow.
"""

import importlib.util
import json
import logging
import sys
import types

results, tasks, context = {}, [], {}


class AirflowException(Exception):
    pass


class AirflowFailException(AirflowException):
    pass


class Task:
    def __init__(self, function, options):
        self.function, self.options = function, options

    def __call__(self):
        tasks.append(self)
        return self

    def __rshift__(self, other):
        return other


class Instance:
    @staticmethod
    def xcom_pull(task_ids):
        return results.get(task_ids)


class Variable:
    @staticmethod
    def get(name, deserialize_json):
        assert name == "replicator" and deserialize_json
        return json.loads(sys.argv[2])


def task(**options):
    return lambda function: Task(function, options)


def dag(**_):
    return lambda function: function


def module(name, **members):
    sys.modules[name] = types.ModuleType(name)
    vars(sys.modules[name]).update(members)


module("airflow")
module(
    "airflow.sdk",
    Variable=Variable,
    dag=dag,
    task=task,
    get_current_context=lambda: context,
)
module("airflow.sdk.exceptions", AirflowException=AirflowException, AirflowFailException=AirflowFailException)

logging.basicConfig(level=logging.INFO, format="log: %(message)s", stream=sys.stdout)
context.update(dag_run=types.SimpleNamespace(conf=json.loads(sys.argv[3])), ti=Instance)
spec = importlib.util.spec_from_file_location("run_replicator", sys.argv[1])
spec.loader.exec_module(importlib.util.module_from_spec(spec))
state = "success"
for one in tasks:
    if state == "failed" and one.options.get("trigger_rule") != "all_done":
        continue
    name = one.function.__name__
    try:
        results[name] = one.function()
        state = "success"
        print(f"task: {name} success")
    except AirflowException as e:
        state = "failed"
        print(f"task: {name} failed {type(e).__name__}: {e}")
sys.exit(state != "success")
