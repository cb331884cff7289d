"""Garimpo's graph as a DAG of Airflow: copy this file into the dags folder."""

from pipeline.integrations.airflow import garimpo_dag

dag = garimpo_dag()
