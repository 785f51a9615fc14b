"""Affinity of pods in Kubernetes' own fields, as far as every supported version of Kubernetes has them.

The models refuse what the API server refuses, so that a mistake shows before the first resource is registered.
https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/#scheduling
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from components.settings.types import LabelKey, LabelValue, Model

Texts = Annotated[tuple[str, ...], Field(strict=False, title="list of texts")]
Weight = Annotated[int, Field(ge=1, le=100)]


class LabelRequirement(Model):
    """A condition of one label of a pod or namespace."""

    key: LabelKey
    """Key of the label."""
    operator: Literal["In", "NotIn", "Exists", "DoesNotExist"]
    """How the label is compared."""
    values: Texts = ()
    """Values of In and NotIn."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        _check_values(self.operator, self.values)
        return self


class NodeRequirement(Model):
    """A condition of one label or field of a node."""

    key: LabelKey
    """Key of the label."""
    operator: Literal["In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"]
    """How the label is compared."""
    values: Texts = ()
    """Values of In and NotIn; one whole number of Gt and Lt."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        _check_values(self.operator, self.values)
        return self


def _check_values(operator: str, values: tuple[str, ...]) -> None:
    """Refuse a number of values that the operator does not take.

    Raises:
        ValueError: "rule; remedy".
    """
    if operator in ("In", "NotIn") and not values:
        raise ValueError(f"has no values for the operator {operator}; list at least one")
    if operator in ("Exists", "DoesNotExist") and values:
        raise ValueError(f"has values, which the operator {operator} does not take; remove them")
    if operator in ("Gt", "Lt") and (len(values) != 1 or not values[0].lstrip("-").isdecimal()):
        raise ValueError(f"has other values than one whole number for the operator {operator}; write one, in quotes")


class NodeTerm(Model):
    """Conditions that a node fulfils together."""

    matchExpressions: Annotated[tuple[NodeRequirement, ...], Field(strict=False)] = ()
    """Conditions of labels."""
    matchFields: Annotated[tuple[NodeRequirement, ...], Field(strict=False)] = ()
    """Conditions of fields."""


class NodeTerms(Model):
    """Alternatives, of which a node fulfils one."""

    nodeSelectorTerms: Annotated[tuple[NodeTerm, ...], Field(strict=False)]
    """The alternatives."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        # Not a limit of the field: pydantic would count invalid entries as missing.
        if not self.nodeSelectorTerms:
            raise ValueError("has no nodeSelectorTerms, and no node would fit; list at least one")
        return self


class PreferredNode(Model):
    """A preference of nodes."""

    weight: Weight
    """Weight among the preferences."""
    preference: NodeTerm
    """The preferred nodes."""


class NodeAffinity(Model):
    """Nodes of the pod."""

    requiredDuringSchedulingIgnoredDuringExecution: NodeTerms | None = None
    """Nodes that are allowed."""
    preferredDuringSchedulingIgnoredDuringExecution: Annotated[tuple[PreferredNode, ...], Field(strict=False)] = ()
    """Nodes that are preferred."""


class LabelSelector(Model):
    """Pods or namespaces with these labels."""

    matchLabels: dict[LabelKey, LabelValue] = Field(default_factory=dict)
    """Labels with their values."""
    matchExpressions: Annotated[tuple[LabelRequirement, ...], Field(strict=False)] = ()
    """Further conditions."""


class PodTerm(Model):
    """Pods near which, or away from which, the pod runs."""

    topologyKey: LabelKey
    """Label of nodes that says what near means: kubernetes.io/hostname, topology.kubernetes.io/zone."""
    labelSelector: LabelSelector | None = None
    """The pods."""
    namespaces: Texts = ()
    """Their namespaces; default: that of the pod."""
    namespaceSelector: LabelSelector | None = None
    """Their namespaces by labels."""


class PreferredPods(Model):
    """A preference of neighbours."""

    weight: Weight
    """Weight among the preferences."""
    podAffinityTerm: PodTerm
    """The neighbours."""


class PodAffinity(Model):
    """Neighbours of the pod."""

    requiredDuringSchedulingIgnoredDuringExecution: Annotated[tuple[PodTerm, ...], Field(strict=False)] = ()
    """Neighbours that are required."""
    preferredDuringSchedulingIgnoredDuringExecution: Annotated[tuple[PreferredPods, ...], Field(strict=False)] = ()
    """Neighbours that are preferred."""


class Affinity(Model):
    """Nodes and neighbours of a pod."""

    nodeAffinity: NodeAffinity | None = None
    """Nodes of the pod."""
    podAffinity: PodAffinity | None = None
    """Pods near which it runs."""
    podAntiAffinity: PodAffinity | None = None
    """Pods away from which it runs."""
