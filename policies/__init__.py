"""The policy pack: rules over the resources of a stack, for `pulumi preview --policy-pack policies`."""
