"""Controllers of Gateways on the lab's node: Traefik for the Gateways, cert-manager for their certificates."""
