"""Wait until Airflow's API answers. For pods without database credentials, which cannot ask the database.

Environment: API_URL, the API server's base URL inside the cluster.
"""

import os
import sys
import time
import urllib.request

WAIT_SECONDS = 300

url = os.environ["API_URL"] + "/api/v2/version"
deadline = time.monotonic() + WAIT_SECONDS
while True:
    try:
        with urllib.request.urlopen(url, timeout=5):
            break
    except OSError as error:
        if time.monotonic() > deadline:
            sys.exit(f"{url} did not answer within {WAIT_SECONDS} s: {error}")
        time.sleep(0.5)
print(f"{url} answers")
