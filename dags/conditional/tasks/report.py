"""In a pod of a project: a report on what another pod left in the project's files, and on the project's variables."""

import os

import pandas

from airflow_project import open_files

with open_files().open("output/output.csv") as file:
    roots = pandas.read_csv(file)["root"]
assert roots.sum() == float(os.environ["SUM"]), "the file is of another run"

print(f"{os.environ['GREETING']} the sum of {len(roots)} roots is {os.environ['SUM']}")
print(f"the secret has {len(os.environ['BIG_SECRET'])} characters")
