"""The key under which a purge hashes names and digests, so that nobody without it can guess a text from the store."""

import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from preprocessing.base.errors import InputError

KEY_VARIABLE = "GPT2_TFX_ERASURE_KEY"
_FEWEST_BYTES = 32


@dataclass(frozen=True)
class ErasureKey:
    """A secret that is in no file of the workspace and not in the store."""

    _secret: bytes

    @classmethod
    def of_environment(cls, environment: Mapping[str, str], workspace: Path) -> "ErasureKey | None":
        """The key whose file the environment names, or which it holds in hexadecimal; None without one.

        Raises InputError for what is none, and for a file in the workspace, where the hashes lie.
        """
        value = environment.get(KEY_VARIABLE)
        if not value:
            return None
        if re.fullmatch(rf"[0-9a-fA-F]{{{2 * _FEWEST_BYTES},}}", value):
            return cls(value.lower().encode())
        path = Path(value)
        if path.resolve().is_relative_to(workspace.resolve()):
            raise InputError(
                f"{KEY_VARIABLE}: {path} is in the workspace, where the hashes lie that it protects. "
                "Keep it elsewhere."
            )
        try:
            content = path.read_bytes().strip()
        except (OSError, ValueError) as error:
            raise InputError(
                f"{KEY_VARIABLE}: neither the path of a file that can be read nor at least {2 * _FEWEST_BYTES} "
                f"hexadecimal digits. {HOW_TO_MAKE}"
            ) from error
        if len(content) < _FEWEST_BYTES:
            raise InputError(
                f"{KEY_VARIABLE}: {path} has {len(content)} bytes, and a key has at least {_FEWEST_BYTES}. "
                f"{HOW_TO_MAKE}"
            )
        return cls(content)

    def hash(self, text: str) -> str:
        """HMAC-SHA256 of a name or a digest, in hexadecimal."""
        return hmac.new(self._secret, f"gpt2-tfx erasure\0{text}".encode(), sha256).hexdigest()

    @property
    def identity(self) -> str:
        """What tells keys apart and says nothing of them."""
        return self.hash("\0the key itself")[:16]


HOW_TO_MAKE = "`openssl rand -hex 32 > erasure.key` makes one; keep it as long as the store."
