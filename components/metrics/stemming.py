"""How ROUGE makes words alike before it counts them: not at all, as rouge-score does, or as the Perl script does."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

from preprocessing.base.digests import sha256_json
from preprocessing.base.errors import InputError

Way = Literal["no", "porter", "perl"]
# Shorter words are left as they are, by rouge-score and the script alike.
_SHORTEST = 4


@dataclass(frozen=True)
class Stemming:
    """A way to stem English words.

    way: `porter` is NLTK's stemmer as rouge-score uses it. `perl` is ROUGE-1.5.5: a word among WordNet 2.0's exceptions
        becomes what stands there, any other what Porter's own program makes of it.
    exceptions: of `perl` the folder of the files `*.exc`.
    """

    way: Way = "no"
    exceptions: Path | None = None

    @property
    def stated(self) -> str:
        """What a signature says of it."""
        if self.exceptions is None:
            return self.way
        return f"{self.way}-{sha256_json(dict(read_exceptions(self.exceptions)))[:16]}"

    def stem(self) -> Callable[[str], str]:
        """The function from a word in lower case to its stem. Raises InputError where there are no exceptions."""
        if self.way == "no":
            return lambda word: word
        from nltk.stem.porter import PorterStemmer

        own = self.way == "perl"
        # NLTK has exceptions and rules of its own; Porter's program is what it calls Martin's extensions.
        mode = PorterStemmer.MARTIN_EXTENSIONS if own else PorterStemmer.NLTK_EXTENSIONS
        porter = PorterStemmer(mode=mode)
        known = {} if self.exceptions is None else read_exceptions(self.exceptions)

        def stem(word: str) -> str:
            if len(word) < _SHORTEST:
                return word
            return known.get(word) or porter.stem(word)

        return stem


@lru_cache(maxsize=1)
def read_exceptions(folder: Path) -> Mapping[str, str]:
    """Word -> base of a folder's files `*.exc`, of which the last by name counts; Perl takes them as they lie on disk.

    Raises InputError where there are none, or a line is not a word and its base.
    """
    files = sorted(folder.glob("*.exc"))
    if not files:
        raise InputError(
            f"--exceptions {folder}: no file *.exc in it; name the folder WordNet-2.0-Exceptions of ROUGE-1.5.5."
        )
    found = {}
    for file in files:
        try:
            lines = file.read_text(encoding="utf-8").split("\n")
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"{file}: cannot be read: {error}.") from error
        for number, line in enumerate(lines, start=1):
            match line.split():
                case []:
                    continue
                case [word, base, *_]:
                    found[word] = base
                case _:
                    raise InputError(f"{file}:{number}: {line!r} is not a word and its base.")
    return found
