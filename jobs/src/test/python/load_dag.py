"""Runs a DAG file where there is no Airflow, and prints what it declares as JSON.

The classes here stand for those of Airflow 3 and its providers: they take the parameters that
their documentation lists, as far as a DAG of ours may need them, and refuse any other.
"""

import json
import runpy
import sys
import types
from datetime import datetime, timedelta

DAGS = []


class Declared:
    """Keeps the parameters that it was made with."""

    parameters = ()

    def __init__(self, *positional, **named):
        values = dict(zip(self.parameters, positional), **named)
        unknown = set(values) - set(self.parameters)
        if unknown or len(positional) > len(self.parameters):
            raise TypeError(f"{type(self).__name__} has no parameters {sorted(unknown)}")
        self.__dict__.update(values)


class Asset(Declared):
    parameters = ("name", "uri", "group", "extra")


class AsyncCallback(Declared):
    parameters = ("callback_callable", "kwargs")


class DeadlineAlert(Declared):
    parameters = ("reference", "interval", "callback", "name")


class DeadlineReference:
    DAGRUN_LOGICAL_DATE = "DAGRUN_LOGICAL_DATE"
    DAGRUN_QUEUED_AT = "DAGRUN_QUEUED_AT"


class CronDataIntervalTimetable(Declared):
    parameters = ("cron", "timezone")


class SlackWebhookNotifier(Declared):
    parameters = ("slack_webhook_conn_id", "text")


class DAG(Declared):
    parameters = (
        "dag_id", "description", "schedule", "start_date", "end_date", "catchup", "default_args",
        "max_active_runs", "dagrun_timeout", "deadline", "doc_md", "params", "tags",
    )

    def __enter__(self):
        self.tasks = []
        DAGS.append(self)
        return self

    def __exit__(self, *_):
        return False


class SparkSubmitOperator(Declared):
    template_fields = (
        "application", "conf", "files", "py_files", "jars", "driver_class_path", "packages",
        "exclude_packages", "keytab", "principal", "proxy_user", "name", "application_args",
        "env_vars", "properties_file",
    )
    parameters = template_fields + (
        "conn_id", "archives", "java_class", "repositories", "total_executor_cores",
        "executor_cores", "executor_memory", "driver_memory", "num_executors",
        "status_poll_interval", "verbose", "spark_binary", "yarn_queue", "deploy_mode",
        # Any operator's
        "task_id", "retries", "retry_delay", "retry_exponential_backoff", "max_retry_delay",
        "execution_timeout", "pool", "pool_slots", "outlets", "inlets", "on_failure_callback",
    )

    def __init__(self, **named):
        super().__init__(**named)
        DAGS[-1].tasks.append(self)


def module(name, *members):
    """Makes a module, and the packages above it."""
    parts = name.split(".")
    for end in range(1, len(parts) + 1):
        sys.modules.setdefault(".".join(parts[:end]), types.ModuleType(".".join(parts[:end])))
    for member in members:
        setattr(sys.modules[name], member.__name__, member)


def plain(value):
    """What JSON has no form for."""
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, type):
        return value.__name__
    if isinstance(value, SparkSubmitOperator):
        return dict(vars(value), template_fields=value.template_fields)
    return vars(value)


module("airflow.sdk", DAG, Asset, AsyncCallback, DeadlineAlert, DeadlineReference)
module("airflow.timetables.interval", CronDataIntervalTimetable)
module("airflow.providers.apache.spark.operators.spark_submit", SparkSubmitOperator)
module("airflow.providers.slack.notifications.slack_webhook", SlackWebhookNotifier)
runpy.run_path(sys.argv[1])
json.dump(DAGS, sys.stdout, default=plain)
