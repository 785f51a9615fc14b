"""`preflight`: what the cloud says before `up`."""

from __future__ import annotations

from components import cloud
from components.contract.requirements import requirements
from operations import stacks


def run(stack: str) -> int:
    """Print a line for each answer of the cloud; 1 if something would fail `up`, else 0."""
    settings = stacks.settings(stack)
    asked = failed = 0
    for finding in cloud.preflight(settings.cloud, requirements(settings)):
        print(finding, flush=True)
        asked += 1
        failed += finding.verdict == "missing"
    if not asked:
        print(f"Stack {stack} runs on a cluster that exists already: there is no cloud to ask.")
        return 0
    print(f"{failed} missing" if failed else "Nothing is missing.")
    return 1 if failed else 0
