"""The command `preflight`: run the checks of the cloud and of the identity provider, and print their findings."""

from __future__ import annotations

from itertools import chain

from components import cloud
from components.contract.requirements import requirements
from operations import issuer, stacks


def run(stack: str) -> int:
    """Print one line for each check and return the exit code: 1 if `up` would fail, else 0."""
    settings = stacks.settings(stack)
    checks = failed = 0
    of_cloud = cloud.preflight_findings(settings.cloud, requirements(settings))
    for finding in chain(of_cloud, issuer.findings(settings.auth)):
        print(finding, flush=True)
        checks += 1
        failed += finding.verdict == "missing"
    if not checks:
        print(f"Stack {stack} runs on an existing cluster: there is no cloud to check.")
        return 0
    print(f"{failed} missing" if failed else "Nothing is missing.")
    return 1 if failed else 0
