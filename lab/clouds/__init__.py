"""Simulated clouds: provider plugins `gcp` and `azure-native` with an inventory on disk and the rules of the APIs.

A plugin processes a call in this order:

1.  Check: the schema of the installed SDK (`schema`, `schema_check`) and the kind's own rules; all errors at once.
2.  Injected faults (`faults`, variable LAB_CLOUD_FAULTS names a file).
3.  The rules of the resource type (`kind.Kind`): id, existence, references, what the API refuses.
4.  Time (`latency`, variable LAB_CLOUD_SPEED): seconds of the real cloud by a table, divided by the speed.
5.  The real service (`backing`, variable LAB_CLOUD_BACKING): the lab's node, a real PostgreSQL, object storage.
6.  The inventory (`inventory`, variable LAB_CLOUDS names the folder) and the journal beside it (`journal`).

A cloud is a subclass of `provider.CloudProvider` in a package with a `__main__`, which sets

    kinds      token to an instance of a `kind.Kind` subclass, one per resource type
    functions  token to an instance of a `kind.Function` subclass
    seconds    its latency table
    patches, optional_unknown   how its plugin updates and previews

and overrides `described` (the message of a refusal), `completed` (inputs that Check fills in from the config),
`standard_outputs`. The smallest kind is

    class Network(Kind):
        token = "gcp:compute/network:Network"
        grammar = Grammar(pattern=r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?", words="…", automatic=63)
        immutable = ("autoCreateSubnetworks",)

        def id(self, call): return f"projects/{…}/global/networks/{call.inputs['name']}"
        def outputs(self, call): return {"selfLink": …}

A kind declares its references as data: `Reference(path="network", to=(Network.token,), way="holds")` refuses creation
if the network does not exist, and refuses the network's deletion while this resource exists. Rules raise
`ApiError(code, message, reason=…)`; with `retry` the plugin retries `operation.ATTEMPTS` times with growing waits.
Rules check first and change the world (`call.world`) last. They use `call.world.find(tokens, name)`, `.of(token)`,
`.users(item, "holds")`, `.facts` (facts by subject, stored in the inventory), `.block(name, seconds)` and
`.blocked(name)`. `kind.settling = n` hides a new item from the next n calls of `call.found`, which resolves references.

For tests and demonstrations: `Inventory.default().read()` returns the inventory, `.drift(id, path, value)` and
`.forget(id)` change it outside the stack, `Journal(folder).calls("create")` lists the calls.
"""
