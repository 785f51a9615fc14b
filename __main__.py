"""The composition root: settings, then the cloud layer, then Airflow on top, then what users need to know."""

from __future__ import annotations

from components import cloud, outputs
from components.airflow.installation import Airflow
from components.settings import reading

settings = reading.load()
place = cloud.provision(settings)
airflow = Airflow(settings.name, settings, place)
outputs.export(settings, place, airflow)
