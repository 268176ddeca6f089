"""Extracts fields from each day's contracts.

A run reads the documents of its logical date and writes the table of that date. Run again, it does
only what is missing there: a retry goes on where the attempt before it stopped, and another run of
a finished date changes nothing.
"""

from datetime import datetime, timedelta, timezone

from airflow.providers.apache.spark.operators.spark_submit import SparkSubmitOperator
from airflow.providers.slack.notifications.slack_webhook import SlackWebhookNotifier
from airflow.sdk import DAG, Asset, AsyncCallback, DeadlineAlert, DeadlineReference
from airflow.timetables.interval import CronDataIntervalTimetable

# Where things are. Change these to yours.
LOWPASS = "/opt/lowpass"
MODEL = "hdfs://namenode/models/Llama-3.1-8B-Instruct"
DOCUMENTS = "hdfs://namenode/contracts"
TABLE = Asset(name="contract_fields", uri="hdfs://namenode/tables/contract_fields")

with DAG(
    dag_id="lowpass_contracts",
    # The run of a day starts when that day is over, and its logical date is that day.
    schedule=CronDataIntervalTimetable("0 0 * * *", timezone="UTC"),
    start_date=datetime(2026, 11, 1, tzinfo=timezone.utc),
    catchup=False,
    # All runs want the same executors; one at a time keeps the oldest from waiting for the newest.
    max_active_runs=1,
    # Says that a day's table is late, and stops nothing. Counted from when the run could start, so
    # that a backfill is not late from the beginning.
    deadline=DeadlineAlert(
        reference=DeadlineReference.DAGRUN_QUEUED_AT,
        interval=timedelta(hours=6),
        callback=AsyncCallback(
            SlackWebhookNotifier,
            kwargs={"text": "{{ dag_run.dag_id }} {{ dag_run.run_id }} was not done at {{ deadline.deadline_time }}"},
        ),
    ),
) as dag:
    SparkSubmitOperator(
        task_id="extract",
        conn_id="spark_default",
        name="lowpass-contracts-{{ ds }}",
        application=f"{LOWPASS}/lowpass.jar",
        java_class="dev.lowpass.jobs.Lowpass",
        properties_file=f"{LOWPASS}/conf/spark-gpu.conf",
        application_args=[
            "extract",
            "--model", MODEL,
            "--schema", f"{LOWPASS}/contracts.schema.json",
            "--input", DOCUMENTS + "/ds={{ ds }}",
            "--output", TABLE.uri + "/ds={{ ds }}",
            # Exit status 3, and a failed task, if more documents than these have no fields.
            "--max-failed", "100",
        ],
        # Each attempt goes on with what the one before it left: these cost a start, not a night.
        retries=3,
        retry_delay=timedelta(minutes=10),
        retry_exponential_backoff=True,
        execution_timeout=timedelta(hours=12),
        outlets=[TABLE],
    )
