"""The URL of the UI, the api-server's options for the load balancer, and the outputs for DNS."""

from __future__ import annotations

from typing import Final

import pulumi

from components.airflow.config.additional_options import readers
from components.airflow.context import InstanceContext
from components.airflow.feature import Feature, PodOverlay
from components.airflow.network.gateway import backends
from components.airflow.ports import API_PORT
from components.settings.sections.exposure import Gateway
from components.settings.sections.options import Option, Reserved
from components.settings.stack import Settings

BASE_URL: Final[Option] = ("api", "base_url")

RESERVED: Final[Reserved] = {}


def base_url(settings: Settings) -> str:
    """The URL of the UI for users."""
    gateway = settings.exposure.gateway
    return f"https://{gateway.host}" if gateway is not None else f"http://localhost:{API_PORT}"


def create_feature(context: InstanceContext) -> Feature:
    """The URL for all workloads that link to the UI, and the trusted headers of the load balancer."""
    settings, load_balancer = context.settings, context.cloud.load_balancer
    overlays = [PodOverlay(workloads=readers(BASE_URL), default_options={BASE_URL: base_url(settings)})]
    if settings.exposure.gateway is not None:
        # The login page is served through the same proxy. Only X-Forwarded-Proto is trusted: uvicorn has applied
        # X-Forwarded-For already, and Host and Prefix can be forged.
        trusted = {"for": 0, "proto": 1, "host": 0, "port": 0, "prefix": 0}
        overlays.append(
            PodOverlay(
                workloads={"api-server"},
                default_options={
                    ("fab", "enable_proxy_fix"): "True",
                    **{("fab", f"proxy_fix_x_{header}"): str(count) for header, count in trusted.items()},
                    ("fab", "cookie_secure"): "True",
                },
            )
        )
    if load_balancer is not None:
        # Some load balancers add their own address to the list of proxies that forwarded a request.
        proxies = (*load_balancer.trusted_proxies, load_balancer.address)
        overlays.append(
            PodOverlay(
                workloads={"api-server"},
                arguments=["--proxy-headers"],
                environment={"FORWARDED_ALLOW_IPS": pulumi.Output.all(*proxies).apply(",".join)},
            )
        )
    outputs: dict[str, pulumi.Input[str]] = {"url": base_url(settings)}
    if settings.exposure.gateway is not None and load_balancer is not None:
        outputs |= _dns(settings.exposure.gateway, load_balancer.address)
    return Feature(overlays=overlays, outputs=outputs)


def _dns(exposure: Gateway, address: pulumi.Output[str]) -> dict[str, pulumi.Input[str]]:
    """The address, the required DNS records, and Flower's URL. All are known early: no status is awaited."""
    records = [pulumi.Output.concat(backend.host, " A ", address) for backend in backends(exposure)]
    flower = {"flower_url": f"https://{exposure.flower_host}"} if exposure.flower_host is not None else {}
    return {"address": address, "dns_records": pulumi.Output.all(*records).apply("\n".join), **flower}
