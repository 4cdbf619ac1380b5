"""Merkle trees over training sets, the salts of their records, and proofs of inclusion."""

import json
import os
import re
import runpy
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature

from pipeline import cli
from pipeline.claims.chain import read_claims
from pipeline.erasure.key import KEY_VARIABLE as ERASURE_KEY_VARIABLE
from pipeline.inclusion.merkle import (
    Leaves,
    inclusion_path,
    leaf_hash,
    root_from_path,
    root_of,
)
from pipeline.inclusion.salts import SaltedRecord, Salts
from pipeline.inclusion.training_sets import TrainingSets, TreeHead
from pipeline.signing import KEY_VARIABLE
from preprocessing.base.digests import sha256_text
from preprocessing.base.errors import InputError
from serving.versions import CLAIMS
from tests.pipeline.corpus_index import TEXTS, index
from tests.pipeline.launches import Launches
from tests.pipeline.schemas import document_of
from tests.pipeline.signing_keys import Keys, key_pair
from tests.pipeline.trees import snapshot

# The entries and roots with which implementations of Certificate Transparency are tested.
ENTRIES = [
    "",
    "00",
    "10",
    "2021",
    "3031",
    "40414243",
    "5051525354555657",
    "606162636465666768696a6b6c6d6e6f",
]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def leaves_of(size: int) -> list[bytes]:
    return [leaf_hash(bytes([number])) for number in range(size)]


def between(leaves: list[bytes]) -> Leaves:
    return lambda start, end: leaves[start:end]


class TestTree:
    def test_has_the_roots_of_certificate_transparency(self) -> None:
        leaves = [leaf_hash(bytes.fromhex(entry)) for entry in ENTRIES]
        assert [root_of(leaves[:size]).hex() for size in range(9)] == ROOTS

    def test_a_path_leads_from_every_leaf_to_the_root_and_from_nowhere_else(self) -> None:
        for size in range(1, 34):
            leaves = leaves_of(size)
            root = root_of(leaves)
            for at in range(size):
                path = inclusion_path(between(leaves), at, size)
                assert root_from_path(leaves[at], at, size, path) == root
                assert root_from_path(leaf_hash(b"other"), at, size, path) != root
                assert root_from_path(leaves[at], at, size, [*path, root]) != root
                for other in range(size):
                    if other != at:
                        assert root_from_path(leaves[at], other, size, path) != root
                for cut in range(len(path)):
                    assert root_from_path(leaves[at], at, size, path[:cut]) != root
            assert root_from_path(leaves[0], size, size, []) is None
            assert root_from_path(leaves[0], -1, size, []) is None

    def test_an_inner_node_is_no_leaf(self) -> None:
        leaves = leaves_of(4)
        inner = [root_of(leaves[:2]), root_of(leaves[2:])]
        assert root_of(inner) == root_of(leaves)
        assert leaf_hash(leaves[0] + leaves[1]) != inner[0]


def record(number: int) -> SaltedRecord:
    return SaltedRecord(f"record {number}", sha256_text(f"text {number}"))


@pytest.fixture
def salts(tmp_path: Path) -> Iterator[Salts]:
    opened = Salts(tmp_path, writes=True)
    yield opened
    opened.close()


class TestSalts:
    def test_a_record_keeps_its_own_in_every_corpus_and_process(
        self, salts: Salts, tmp_path: Path
    ) -> None:
        first = salts.of([record(1), record(2)])
        salts.commit()
        again = Salts(tmp_path, writes=True)
        assert again.of([record(3), record(2), record(1)])[1:] == first[::-1]
        again.close()
        assert len({*first}) == 2
        # Another text under the same id is another record.
        assert salts.of([record(1)._replace(digest="0" * 64)])[0] not in first

    def test_what_is_forgotten_is_in_no_byte_of_the_file_and_the_others_stay(
        self, salts: Salts, tmp_path: Path
    ) -> None:
        made = salts.of([record(number) for number in range(50)])
        salts.commit()
        file = tmp_path / "salts.sqlite"
        assert made[7] in file.read_bytes()
        assert salts.forget([record(7), record(99)]) == 1
        assert salts.find(record(7)) is None
        assert made[7] not in file.read_bytes()
        assert salts.find(record(8)) == made[8]

    def test_one_that_another_process_makes_meanwhile_is_the_one_of_both(
        self, salts: Salts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        other, made = Salts(tmp_path, writes=True), list[bytes]()

        def random(size: int) -> bytes:
            if not made:
                made.append(b"")
                made.extend(other.of([record(1)]))
                other.commit()
                other.close()
            return bytes(size)

        monkeypatch.setattr(os, "urandom", random)
        assert salts.of([record(1), record(2)])[0] == made[1]

    def test_reading_makes_no_file(self, tmp_path: Path) -> None:
        reader = Salts(tmp_path / "none")
        assert reader.find(record(1)) is None
        reader.close()
        assert not (tmp_path / "none").exists()

    def test_a_damaged_file_is_named(self, tmp_path: Path) -> None:
        (tmp_path / "salts.sqlite").write_text("no database, only some words that are long enough")
        for writes in (False, True):
            with pytest.raises(InputError, match=r"salts\.sqlite"):
                Salts(tmp_path, writes).find(record(1))


class TestTrainingSets:
    def test_the_root_is_over_salt_digest_and_id_of_each_record(
        self, salts: Salts, tmp_path: Path
    ) -> None:
        records = [record(number) for number in range(12_000)]
        head = TrainingSets(tmp_path).commit(iter(records), salts)
        salted = zip(records, salts.of(records[:5000]), strict=False)
        leaves = [
            sha256(b"\0" + salt + bytes.fromhex(each.digest) + each.id.encode()).digest()
            for each, salt in salted
        ]
        kept = TrainingSets(tmp_path).leaves(head)
        assert list(kept(0, 5000)) == leaves
        assert (head.size, root_of(kept(0, 12_000)).hex()) == (12_000, head.root)
        assert [path.name for path in (tmp_path / "training_sets").iterdir()] == [head.root]

    def test_leaves_that_are_gone_or_cut_are_named(self, salts: Salts, tmp_path: Path) -> None:
        sets = TrainingSets(tmp_path)
        head = sets.commit([record(1), record(2)], salts)
        (tmp_path / "training_sets" / head.root).write_bytes(b"short")
        for wanted in (head, TreeHead(2, "0" * 64)):
            with pytest.raises(InputError, match="gone or damaged"):
                sets.leaves(wanted)

    def test_a_failure_leaves_nothing(self, salts: Salts, tmp_path: Path) -> None:
        def failing() -> Iterator[SaltedRecord]:
            yield record(1)
            raise OSError

        with pytest.raises(OSError):  # noqa: PT011 - whichever
            TrainingSets(tmp_path).commit(failing(), salts)
        assert list((tmp_path / "training_sets").iterdir()) == []


_LARGE = """
import resource, sys
from pathlib import Path
from preprocessing.base.digests import sha256_text
from pipeline.inclusion.salts import SaltedRecord, Salts
from pipeline.inclusion.training_sets import TrainingSets

records = (SaltedRecord(f"record {n}", sha256_text(str(n))) for n in range(int(sys.argv[2])))
salts = Salts(Path(sys.argv[1]), writes=True)
print(TrainingSets(Path(sys.argv[1])).commit(records, salts).size)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.long
def test_a_million_records_need_no_more_memory_than_salts_have_cache(tmp_path: Path) -> None:
    peaks = []
    for records in (1_000, 1_000_000):
        command = [sys.executable, "-c", _LARGE, str(tmp_path / str(records)), str(records)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        size, peak = map(int, done.stdout.split())
        assert size == records
        peaks.append(peak)
    assert peaks[1] - peaks[0] < 100_000  # KiB; the cache has 64 MiB.


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Keys]:
    """A folder with a signed version, and the keys. `d#1` and `d#2` are of one group, `c` is for testing."""
    folder = tmp_path_factory.mktemp("proofs")
    (folder / "corpus").mkdir()
    (folder / "corpus" / "one.txt").write_text("One.\n")
    (folder / "pipeline.yaml").write_text("corpus:\n  task: text\n  path: corpus\n")
    keys = key_pair(folder, "key")
    launches = Launches(folder / "pipeline.yaml")
    grouped = index("d")
    launches.training_index = index("a", "b", 'e"\\ é', "c") + "".join(
        grouped.replace('"id": "d"', f'"id": "d#{number}"') for number in (1, 2)
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(KEY_VARIABLE, str(keys[0]))
        launches.run("run-1")
    return folder, keys


@pytest.fixture
def folder(project: tuple[Path, Keys], tmp_path: Path) -> Path:
    """A copy of the folder."""
    shutil.copytree(project[0], tmp_path / "project", symlinks=True)
    return tmp_path / "project"


@pytest.fixture
def public_key(project: tuple[Path, Keys]) -> Path:
    return project[1][1]


Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def call(folder: Path, capsys: pytest.CaptureFixture[str]) -> Call:
    """(status, stdout, stderr) of a command of lineage in the folder."""

    def ask(*arguments: str | Path) -> tuple[int, str, str]:
        config = ["--config", str(folder / "pipeline.yaml"), "lineage"]
        status = cli.main([*config, *map(str, arguments)])
        said = capsys.readouterr()
        return status, said.out, said.err

    return ask


@pytest.fixture
def proof(call: Call, tmp_path: Path) -> Path:
    """The proof of the record `b`, where no workspace is."""
    path = tmp_path / "proof.json"
    assert call("prove", "b", "-o", path)[0] == 0
    return path


def changed(proof: Path, **values: Any) -> Path:
    """A copy of a proof with other values; `record` is joined with what is there."""
    document = json.loads(proof.read_text())
    document["record"] |= values.pop("record", {})
    path = proof.with_name("changed.json")
    path.write_text(json.dumps(document | values))
    return path


class TestProof:
    def test_is_checked_where_no_workspace_is(
        self, call: Call, folder: Path, proof: Path, public_key: Path
    ) -> None:
        document_of("inclusion-proof", proof.read_text())
        shutil.rmtree(folder)
        status, out, _ = call("check", proof, "--key", public_key, "--json")
        document = document_of("lineage-check", out)
        assert (status, document["ok"], document["signature"]) == (0, True, "valid")
        assert document["record"] == {"id": "b", "digest": sha256_text(TEXTS["b"])}
        status, out, _ = call("check", proof)
        assert (status, "not checked" in out, sha256_text(TEXTS["b"]) in out) == (0, True, True)

    def test_every_record_of_the_training_set_has_one(
        self, call: Call, public_key: Path, tmp_path: Path
    ) -> None:
        for name in ("a", 'e"\\ é', "d#1", "d#2"):
            status, out, _ = call(
                "prove", name, "--model", "latest", "-o", tmp_path / "f", "--json"
            )
            assert (status, document_of("lineage-prove", out)["record"]["id"]) == (0, name)
            assert call("check", tmp_path / "f", "--key", public_key)[0] == 0

    @pytest.mark.parametrize(
        ("name", "status", "message"),
        [
            ("z", 1, "in the index of its corpus"),
            ("b.story", 1, "`gpt2-tfx lineage trace` finds the id"),
            ("c", 1, "held out, for test"),
            ("d", 2, "2 records of the training set have this name; name one of them: d#1, d#2"),
        ],
    )
    def test_what_is_not_one_record_of_it_has_none(
        self, call: Call, tmp_path: Path, name: str, status: int, message: str
    ) -> None:
        found, _, said = call("prove", name, "-o", tmp_path / "f")
        assert (found, message in said) == (status, True), said
        assert not (tmp_path / "f").exists()

    def test_where_no_file_can_be_nothing_is_written(self, call: Call, tmp_path: Path) -> None:
        (tmp_path / "taken").mkdir()
        before = sorted(tmp_path.iterdir())
        status, _, said = call("prove", "a", "-o", tmp_path / "taken")
        assert (status, "cannot be written" in said) == (2, True)
        assert sorted(tmp_path.iterdir()) == before

    def test_writes_nothing_into_the_workspace(
        self, call: Call, folder: Path, tmp_path: Path
    ) -> None:
        before = snapshot(folder)
        assert call("prove", "a", "-o", tmp_path / "f")[0] == 0
        assert snapshot(folder) == before

    def test_a_deleted_salt_takes_the_proofs_of_its_record_and_of_no_other(
        self, call: Call, folder: Path, proof: Path, public_key: Path, tmp_path: Path
    ) -> None:
        salts = Salts(folder / "workspace", writes=True)
        forgotten = SaltedRecord("b", sha256_text(TEXTS["b"]))
        assert salts.forget([forgotten]) == 1
        status, _, said = call("prove", "b", "-o", tmp_path / "f")
        assert (status, "the salt that it had" in said) == (1, True)
        # One that it gets later, in another corpus, is not the one that was signed.
        salts.of([forgotten])
        salts.commit()
        salts.close()
        assert call("prove", "b", "-o", tmp_path / "f")[0] == 1
        assert call("prove", "a", "-o", tmp_path / "f")[0] == 0
        assert call("check", proof, "--key", public_key)[0] == 0

    def test_of_a_purged_record_it_is_not_said_that_it_never_was_there(
        self, call: Call, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv(ERASURE_KEY_VARIABLE, "0f" * 32)
        (folder / "corpus" / "out.txt").write_text("")
        config = ["--config", str(folder / "pipeline.yaml")]
        left_out = ["--set", "corpus.exclude_file=out.txt"]
        assert cli.main([*config, *left_out, "erase", "b", "--purge"]) == 0
        status, _, said = call("prove", "b", "-o", tmp_path / "f")
        assert (status, "from which records were purged" in said) == (1, True)
        assert call("prove", "a", "-o", tmp_path / "f")[0] == 0

    def test_a_version_without_claims_and_one_whose_leaves_are_gone_are_told(
        self, call: Call, folder: Path, tmp_path: Path
    ) -> None:
        workspace = folder / "workspace"
        (leaves,) = (workspace / "training_sets").iterdir()
        content = bytearray(leaves.read_bytes())
        content[-1] ^= 1
        leaves.write_bytes(content)
        assert "not the leaves that were signed" in call("prove", "a", "-o", tmp_path / "f")[2]
        leaves.unlink()
        assert "gone or damaged" in call("prove", "a", "-o", tmp_path / "f")[2]
        (claims,) = workspace.glob(f"serving/[0-9]*/{CLAIMS}")
        lines = claims.read_text().splitlines()
        claims.write_text(lines[0] + "\n")
        assert "no claim about its training set" in call("prove", "a", "-o", tmp_path / "f")[2]
        claims.unlink()
        status, _, said = call("prove", "a", "-o", tmp_path / "f")
        assert (status, "a run that has a key" in said) == (2, True)


@pytest.fixture
def lines(root: Path, tmp_path: Path) -> Path:
    """The program of the page."""
    page = (root / "docs" / "inclusion-proofs.md").read_text()
    (program,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    assert len([line for line in program.splitlines() if line.strip()]) <= 30
    path = tmp_path / "check.py"
    path.write_text(program)
    return path


class TestRefusals:
    def accepted(self, lines: Path, proof: Path, key: Path) -> bool:
        """Whether the lines of the page accept a proof."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, "argv", [str(lines), str(proof), str(key)])
            try:
                runpy.run_path(str(lines))
            except (AssertionError, InvalidSignature):
                return False
        return True

    def test_the_lines_of_the_page_need_nothing_of_this_project(
        self, proof: Path, public_key: Path, lines: Path
    ) -> None:
        command = [sys.executable, "-I", str(lines), str(proof), str(public_key)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        assert done.stdout.startswith("b was trained on by the model ")
        assert "pipeline" not in lines.read_text()

    def test_what_was_changed_is_refused_by_the_command_and_by_the_lines_of_the_page(
        self, call: Call, folder: Path, proof: Path, public_key: Path, lines: Path
    ) -> None:
        assert self.accepted(lines, proof, public_key)
        document = json.loads(proof.read_text())
        (version,) = (folder / "workspace" / "serving").glob("[0-9]*")
        other = next(c for c in read_claims(version) if "card" in c.type).envelope
        salt, digest = document["record"]["salt"], document["record"]["digest"]
        changes: list[tuple[dict[str, Any], int, str]] = [
            ({"record": {"id": "a"}}, 1, "does not lead to the root"),
            ({"record": {"digest": "0" * 64}}, 1, "does not lead to the root"),
            ({"record": {"salt": "0" * 32}}, 1, "does not lead to the root"),
            ({"index": document["index"] + 1}, 1, "does not lead to the root"),
            ({"index": -1}, 1, "does not lead to the root"),
            ({"path": document["path"][:-1]}, 1, "does not lead to the root"),
            ({"path": [*document["path"], "0" * 64]}, 1, "does not lead to the root"),
            ({"statement": other}, 1, "is not of a training set"),
            # The same bytes, cut elsewhere.
            ({"record": {"salt": salt[:-2], "digest": salt[-2:] + digest}}, 2, "not a proof"),
        ]
        for values, status, message in changes:
            path = changed(proof, **values)
            found, out, said = call("check", path, "--key", public_key)
            assert (found, message in out + said) == (status, True), values
            assert not self.accepted(lines, path, public_key), values

    def test_another_key_and_another_statement_are_refused(
        self, call: Call, proof: Path, lines: Path, public_key: Path, tmp_path: Path
    ) -> None:
        _, other = key_pair(tmp_path, "other")
        status, out, _ = call("check", proof, "--key", other, "--json")
        assert (status, document_of("lineage-check", out)["signature"]) == (1, "refused")
        assert not self.accepted(lines, proof, other)
        envelope = json.loads(proof.read_text())["statement"]
        damaged = changed(proof, statement=envelope | {"signatures": [{"sig": "AAAA"}]})
        assert call("check", damaged, "--key", public_key)[0] == 1

    @pytest.mark.parametrize(
        "content",
        ["", "[]", "{}", '{"version": 1}', '{"version": 1, "record": {"id": 1}}', '{"version": 9}'],
    )
    def test_what_is_no_proof_is_wrong_input(
        self, call: Call, tmp_path: Path, content: str
    ) -> None:
        (tmp_path / "f").write_text(content)
        status, _, said = call("check", tmp_path / "f")
        assert (status, str(tmp_path / "f") in said) == (2, True)

    def test_a_file_that_is_not_there_is_wrong_input(self, call: Call, tmp_path: Path) -> None:
        assert call("check", tmp_path / "none")[0] == 2
