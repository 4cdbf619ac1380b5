#!/usr/bin/env bash
# Makes the locks again from pyproject.toml: flat, hashed, naming no index. Run it through `make lock`.
set -euo pipefail
cd "$(dirname "$0")/.."
uv=${UV:-.venv/bin/uv}
scratch=$(mktemp -d)
trap 'rm -r "$scratch"' EXIT

compile() { # OVERRIDES OUTPUT
  "$uv" pip compile pyproject.toml --extra dev --override "$1" \
    --python-version 3.11 --python-platform x86_64-manylinux_2_28 --generate-hashes \
    --no-annotate --no-header --no-emit-index-url --no-emit-find-links --quiet --output-file "$2"
}

compile requirements/overrides.txt requirements/cpu.lock

# gpu.lock holds only what a CUDA machine needs on top of cpu.lock. An override replaces a requirement
# whole, its extras too, so the extra has to stand in the override itself.
sed 's/^tensorflow>=/tensorflow[and-cuda]>=/' requirements/overrides.txt >"$scratch/overrides.txt"
# The versions that cpu.lock has are preferred, or what both hold could differ.
cp requirements/cpu.lock "$scratch/full.lock"
compile "$scratch/overrides.txt" "$scratch/full.lock"
.venv/bin/python requirements/difference.py "$scratch/full.lock" requirements/cpu.lock >requirements/gpu.lock
