"""The table of behaviours: what the stand-in does as the official kubernetes plugin does, and where that is documented.

Files are those of github.com/pulumi/pulumi-kubernetes, below provider/pkg; numbers are its pull requests. Pages are
below www.pulumi.com/registry/packages/kubernetes. Every test of the stand-in has a row, every row a test.
"""

from __future__ import annotations

import ast
from pathlib import Path

TABLE: dict[str, tuple[str, ...]] = {
    # Names and state
    "an unnamed object gets its logical name with eight hex digits and is marked": (
        "metadata/naming.go: AssignNameIfAutonamable",
    ),
    "a seed always gives the same name and another seed another": ("metadata/naming.go (randomSeed)",),
    "an object without namespace goes to the providers and a cluster wide one to none": (
        "provider/provider.go: Check",
        "api-docs/provider: namespace",
    ),
    "secrets are never in the clear in state": ("provider/provider.go: annotateSecrets, checkpointObject",),
    "string data reaches the cluster as data": ("clients/unstructured.go: normalizeSecret",),
    "state keeps inputs field manager and first api version": (
        "provider/provider.go: checkpointObject, fieldManagerName",
    ),
    "what the server defaults is in the outputs and not in the inputs": ("provider/provider.go: pruneLiveState",),
    # Creating
    "an object is created by a plain create in the plugins name": ("await/await.go: Creation", "4278"),
    "an existing object is not taken over unless upserting is on": (
        "await/await.go: Creation",
        "4278",
        "api-docs/provider: upsertExistingObjects",
    ),
    "an imported object is adopted as it is": ("provider/provider.go: Read (readFromCluster)",),
    "a custom resource is made in the same update as its definition": (
        "await/await.go: Creation (retries on NoMatch)",
        "clients/clients.go: ResourceClient",
    ),
    "a kind that nobody defined fails and hints at the definition": ("provider/provider.go: Create (IsNoMatchError)",),
    # Previews
    "a first preview accepts kinds and namespaces that are yet to come": (
        "provider/provider.go: Create (skipPreview, PreviewError)",
        "await/error.go: IsNamespaceNotFoundErr",
    ),
    "a preview lets the server try it and leaves no trace": ("await/await.go: Creation (DryRun)",),
    "an untouched program previews no changes": ("provider/provider.go: Diff",),
    # Changes
    "a change updates or replaces as the official plugin does": (
        "provider/diff.go: forceNewProperties",
        "provider/provider.go: Diff, convertPatchToDiff, normalizeInputs",
        "clients/unstructured.go: Normalize",
        "api-docs/provider: enableConfigMapMutable, enableSecretMutable",
    ),
    "a quantity is written as kubernetes writes it": ("clients/unstructured.go: Normalize (resource.Quantity)",),
    "a changed program previews unchanged after its update": ("provider/provider.go: Diff",),
    "a replaced auto named object gets a new name and a named one keeps it": (
        "provider/provider.go: Diff (deleteBeforeReplace)",
    ),
    "the first update hands the fields of the create over to the applier": ("await/await.go: fixCSAFieldManagers",),
    "a field of another manager is a conflict that names it and force takes it": (
        "await/await.go: handleSSAErr, patchForce",
        "how-to-guides/managing-resources-with-server-side-apply",
    ),
    "an ignored field of another manager is left to it": ("await/await.go: handleSSAIgnoreFields",),
    # Waiting
    "an object that becomes ready is recorded without complaint": (
        "await/awaiters.go, deployment.go, statefulset.go, job.go, pod.go, service.go",
        "metadata/overrides.go: ReadyCondition (waitFor, skipAwait)",
        "await/awaiters.go: untilCoreV1PersistentVolumeClaimReady (WaitForFirstConsumer)",
        "3142 (services without endpoints or selector)",
    ),
    "an object that does not become ready fails with its cause": (
        "await/checker/pod/check.go, await/checker/job/check.go, await/error.go",
        "metadata/overrides.go: TimeoutDuration",
        "await/ingress.go, service.go: errorMessages",
    ),
    "the update fails and its message names pod and cause": ("await/deployment.go: errorMessages",),
    "an object that is not ready stays in state and its correction recovers": (
        "provider/provider.go: partialError",
        "await/error.go: PartialError",
    ),
    "a refresh reports what is not ready now": ("await/await.go: Read (awaitRead)",),
    "waiting shows how far it is": ("await/statefulset.go: checkAndLogStatus", "await/deployment.go"),
    "a statefulset update is awaited and not taken for the old rollout": ("await/statefulset.go", "issue 3329"),
    "an ingress is ready when every path leads somewhere and it has an address": ("await/ingress.go",),
    "an ingress does not wait for endpoints that never come": ("await/ingress.go", "issue 1810"),
    "a statefulset whose pods are replaced by hand is ready with the old revision": ("await/statefulset.go",),
    # Refreshing
    "drift does not show before a refresh": ("provider/provider.go: Diff (pruned live state)",),
    "a refresh records drift of own fields only": ("provider/provider.go: Read, pruneLiveState",),
    "after a refresh a preview shows drift and what is gone": ("provider/provider.go: Read (deleteResponse)",),
    # Deleting
    "a destroy waits until a namespace and everything in it is gone": ("await/await.go: Deletion",),
    "an object that is gone already is deleted without complaint": ("await/await.go: Deletion (nilIfGVKDeleted)",),
    "a foreground deletion takes the dependents and orphaning leaves them": (
        "metadata/overrides.go: DeletionPropagation",
    ),
    "a deletion that does not end fails in time and names the finalizer": ("await/condition/deleted.go",),
    # The provider itself
    "a preview passes when the cluster does not answer": ("provider/provider.go: Configure (clusterUnreachable)",),
    "an update fails and says that the cluster is unreachable and why": ("provider/provider.go: Create, Update",),
    "a refresh and a destroy hint at forgetting the unreachable": ("provider/provider.go: Read, Delete",),
    "the unreachable is forgotten when the environment says so": (
        "provider/provider.go: Delete",
        "api-docs/provider: deleteUnreachable",
    ),
    "a provider is updated for the same cluster and replaced for another": ("provider/provider.go: DiffConfig",),
    "only another cluster replaces the provider": (
        "provider/provider.go: DiffConfig",
        "provider/util.go: getActiveClusterFromConfig",
        "api-docs/provider: clusterIdentifier",
    ),
    "rendering writes manifests without a cluster and removes them": (
        "provider/provider.go: renderYaml",
        "api-docs/provider: renderYamlToDirectory",
    ),
    "rendering excludes naming a cluster": ("provider/provider.go: CheckConfig",),
    "credentials may come from a program": ("installation-configuration",),
    "a client leaves no certificate and no key in files": ("client-go: rest/config.go: TLSClientConfig (KeyData)",),
    "an unreadable kubeconfig is a fault in words": ("provider/util.go: parseKubeconfigString",),
    # Where the stand-in stops
    "what is not modelled is refused in words": ("provider/provider.go: Check (IsListURN)", "ours: Patch, Helm, YAML"),
}


def _tests() -> set[str]:
    folder = Path(__file__).parent
    files = [path for path in folder.glob("test_kubernetes_provider*.py") if path != Path(__file__)]
    trees = [ast.parse(path.read_text()) for path in files]
    names = [node.name for tree in trees for node in tree.body if isinstance(node, ast.FunctionDef)]
    return {name.removeprefix("test_").replace("_", " ") for name in names if name.startswith("test_")}


def test_every_behaviour_of_the_stand_in_has_a_source() -> None:
    assert sorted(_tests() - set(TABLE)) == []
    assert [name for name, sources in TABLE.items() if not all(sources)] == []


def test_every_row_of_the_table_has_a_test() -> None:
    assert sorted(set(TABLE) - _tests()) == []
