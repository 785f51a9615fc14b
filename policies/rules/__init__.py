"""The rules, by cloud and topic; `policies.catalogue` lists all of them."""
