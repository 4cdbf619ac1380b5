"""Print the entries of one hashed lock that another lock lacks: `difference.py FULL BASE`."""

import sys
from pathlib import Path


def entries(path: str) -> dict[str, str]:
    """Requirement line -> the whole entry with its hashes, for a lock of `name==version \\` blocks."""
    blocks: dict[str, str] = {}
    requirement = ""
    for line in Path(path).read_text().splitlines(keepends=True):
        if not line.startswith(" "):
            requirement = line.split()[0]
            blocks[requirement] = ""
        blocks[requirement] += line
    return blocks


if __name__ == "__main__":
    full, base = entries(sys.argv[1]), entries(sys.argv[2])
    sys.stdout.write("".join(entry for name, entry in full.items() if name not in base))
