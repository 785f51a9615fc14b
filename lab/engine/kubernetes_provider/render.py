"""Manifests written to a folder in place of objects in a cluster."""

from __future__ import annotations

from pathlib import Path

import yaml

from lab.engine.kubernetes_provider.objects import Object, name_of, namespace_of


def manifest_path(folder: Path, obj: Object) -> Path:
    """Where the object's manifest lies: CRDs in a folder that sorts before the others."""
    part = "0-crd" if obj["kind"] == "CustomResourceDefinition" else "1-manifest"
    version = obj["apiVersion"].replace("/", "_").replace(":", "_")
    return folder / part / f"{version}-{obj['kind'].lower()}-{namespace_of(obj) or 'default'}-{name_of(obj)}.yaml"


def render(folder: Path, obj: Object) -> Path:
    """Write the manifest, readable by the owner only: it may hold secrets in the clear."""
    path = manifest_path(folder, obj)
    for part in ("0-crd", "1-manifest"):
        (folder / part).mkdir(mode=0o700, parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_text(yaml.safe_dump(obj, sort_keys=True))
    return path


def remove(folder: Path, obj: Object) -> Path:
    """Remove the manifest if it is there."""
    path = manifest_path(folder, obj)
    path.unlink(missing_ok=True)
    return path
