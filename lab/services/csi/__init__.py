"""The CSI drivers of GKE and AKS on the lab's node: static disks and shares, kept in folders of the node."""
