"""The composition root: settings, then the cloud layer, then Airflow on top, then what users need to know."""

from __future__ import annotations

import gc

# What the SDKs load and register lives until the end: looking for rubbish in it takes a third of a preview.
gc.disable()

from components import cloud, outputs  # noqa: E402
from components.airflow.instance import Airflow  # noqa: E402
from components.contract.requirements import requirements  # noqa: E402
from components.settings import loader  # noqa: E402

settings = loader.load()
layer = cloud.provision(settings.cloud, requirements(settings))
airflow = Airflow(settings.name, settings, layer)
outputs.export(settings, layer, airflow)
