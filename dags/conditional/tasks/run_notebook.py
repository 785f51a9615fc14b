"""In a pod: run a notebook with papermill.

Arguments: the notebook's text, the value of its parameter `count`, and a name for the result.
"""

import json
import os
import sys
from pathlib import Path

import papermill

text, count, name = sys.argv[1:]
folder = Path("/tmp")  # noqa: S108 - a volume of the pod
(folder / "input.ipynb").write_text(text)
done = papermill.execute_notebook(
    folder / "input.ipynb", folder / "output.ipynb", parameters={"count": int(count)}, progress_bar=False
)

if "AIRFLOW_PROJECT_DATA" in os.environ:
    from airflow_project import open_files

    files = open_files()
    files.makedirs("notebooks", exist_ok=True)
    files.pipe(f"notebooks/{name}.ipynb", (folder / "output.ipynb").read_bytes())

[output] = done.cells[-1].outputs
print(output["data"]["text/plain"])
Path("/airflow/xcom/return.json").write_text(json.dumps(output["data"]["text/plain"]))
