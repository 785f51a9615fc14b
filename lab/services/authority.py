"""The lab's stand-in for public certificate authorities (CAs).

It signs the certificates of simulated clouds for official host names. Only the lab's images trust it, and its key stays
in the cache folder of this machine.
"""

from __future__ import annotations

from lab.lock import locked
from lab.node.certificates import Authority
from lab.paths import cache_dir


def public_authority() -> Authority:
    """The CA of this machine, created at the first call and kept, because images contain its certificate."""
    folder = cache_dir() / "authority"
    with locked(cache_dir() / "authority.lock"):
        authority = Authority(folder)
        # Created at the first access.
        assert authority.certificate.exists()
    return authority
