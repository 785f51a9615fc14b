"""The lab's stand-in for the world's certificate authorities.

It signs what the simulated clouds serve under official host names. The lab's images trust it, and nothing else does:
its key stays in the cache folder of this machine.
"""

from __future__ import annotations

from lab.lock import locked
from lab.node.certificates import Authority
from lab.paths import cache_dir


def public_authority() -> Authority:
    """The one authority of this machine; made at the first call and kept, because images hold its certificate."""
    folder = cache_dir() / "authority"
    with locked(cache_dir() / "authority.lock"):
        authority = Authority(folder)
        # Made when it is first asked for.
        assert authority.certificate.exists()
    return authority
