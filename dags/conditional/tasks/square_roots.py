"""In a pod of a project: square roots of the numbers in a file of the project's data, written to another file.

The argument is the numbers, as JSON. The result of the task is the sum of the roots.
"""

import json
import sys
from pathlib import Path

import pandas

from airflow_project import open_files

files = open_files()
for folder in ("input", "output"):
    files.makedirs(folder, exist_ok=True)
with files.open("input/input.csv", "w") as file:
    pandas.DataFrame({"number": json.loads(sys.argv[1])}).to_csv(file, index=False)

with files.open("input/input.csv") as file:
    table = pandas.read_csv(file)
table["root"] = table["number"] ** 0.5
with files.open("output/output.csv", "w") as file:
    table.to_csv(file, index=False)
print(table.to_string(index=False))

Path("/airflow/xcom/return.json").write_text(json.dumps({"sum": float(table["root"].sum())}))
