"""The composition root: settings, then the cloud layer, then Airflow on top, then what users need to know."""

from __future__ import annotations

from components import cloud, garbage_collection, outputs
from components.airflow.instance import RESERVED_OPTIONS, Airflow
from components.contract.requirements import requirements
from components.settings import loader

garbage_collection.switch_off()
settings = loader.load(reserved=RESERVED_OPTIONS)
layer = cloud.provision(settings.cloud, requirements(settings))
airflow = Airflow(settings.name, settings, layer)
outputs.export(settings, layer, airflow)
