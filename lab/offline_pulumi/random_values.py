"""Random results of each resource of the random provider, from the system's cryptographic source."""

from __future__ import annotations

import base64
import secrets
import string
from typing import Any, Final

SPECIAL: Final = "!@#$%&*()-_=+[]{}<>:?"
"""The special characters unless `overrideSpecial` is set."""
BCRYPT_BYTES: Final = 72
"""The hash ignores bytes beyond this limit."""
_RANDOM: Final = secrets.SystemRandom()


def text(inputs: dict[str, Any]) -> str:
    """A shuffled string of the requested length: the minimum of each class, and the rest from all classes."""
    special = inputs["overrideSpecial"] or SPECIAL
    classes = {"Lower": string.ascii_lowercase, "Upper": string.ascii_uppercase, "Numeric": string.digits}
    classes["Special"] = special
    characters = [
        _RANDOM.choice(alphabet) for name, alphabet in classes.items() for _ in range(int(inputs[f"min{name}"]))
    ]
    everything = "".join(alphabet for name, alphabet in classes.items() if inputs[name.lower()])
    characters += [_RANDOM.choice(everything) for _ in range(int(inputs["length"]) - len(characters))]
    _RANDOM.shuffle(characters)
    return "".join(characters)


def password(inputs: dict[str, Any]) -> dict[str, str]:
    """A password and its bcrypt hash."""
    # Imported here: only passwords need it, and the plugin starts for every operation.
    import bcrypt

    result = text(inputs)
    hashed = bcrypt.hashpw(result.encode()[:BCRYPT_BYTES], bcrypt.gensalt(10))
    return {"result": result, "bcryptHash": hashed.decode()}


def identifier(inputs: dict[str, Any]) -> dict[str, str]:
    """Random bytes in four notations, each with the prefix."""
    drawn = secrets.token_bytes(int(inputs["byteLength"]))
    prefix = inputs["prefix"] or ""
    return {
        "b64Std": prefix + base64.b64encode(drawn).decode(),
        "b64Url": prefix + base64.urlsafe_b64encode(drawn).decode().rstrip("="),
        "hex": prefix + drawn.hex(),
        "dec": prefix + str(int.from_bytes(drawn, "big")),
    }


def octets(inputs: dict[str, Any]) -> dict[str, str]:
    """Random bytes in two notations."""
    drawn = secrets.token_bytes(int(inputs["length"]))
    return {"base64": base64.b64encode(drawn).decode(), "hex": drawn.hex()}
