import errno
import json
import os
import shutil
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest
from corpora import conversation, coqa_json, sha1, story, url_of, write_release

from preprocessing.base.errors import InputError
from preprocessing.base.folder_files import files_beneath
from preprocessing.corpus.report import CHOSEN_REASONS
from preprocessing.corpus.whole import read_records
from preprocessing.options import CorpusOptions
from preprocessing.readers.source_file import SourceFile
from preprocessing.readers.sources import Sources
from preprocessing.tasks.registry import list_sources

CNN = CorpusOptions()
COQA = CorpusOptions(task="coqa")
TEXT = CorpusOptions(task="text")


def unseen(sources: Sources) -> list[SourceFile]:
    """The sources without the state of their files, which depends on how long ago these were written."""
    return [source._replace(state=None) for source in sources]


def drops_of(sources: Iterable[SourceFile]) -> list[tuple[str, str]]:
    return [(source.drop.reason, source.drop.id) for source in sources if source.drop]


def test_stories_get_the_split_of_the_list_that_names_their_url(tmp_path):
    ids = write_release(tmp_path)
    sources = list_sources(tmp_path, CNN)
    splits = {Path(source.name).stem: source.split for source in sources}
    assert splits == dict.fromkeys(ids, "train") | {ids[1]: "test", ids[2]: "validation"}
    assert [source.name for source in sources] == sorted(source.name for source in sources)
    assert drops_of(sources) == []


def test_a_story_in_no_list_and_a_url_without_story_are_counted(tmp_path):
    ids = write_release(tmp_path)
    stories = tmp_path / "cnn" / "stories"
    (stories / f"{ids[4]}.story").rename(stories / "stranger.story")
    sources = list_sources(tmp_path, CNN)
    assert drops_of(sources) == [("not_in_url_lists", "stranger"), ("url_without_story", ids[4])]
    (missing,) = [source.drop for source in sources if source.size == 0]
    assert missing.source == "url_lists/all_train.txt"
    assert missing.detail == f"no {ids[4]}.story for {url_of(4)}"


def test_who_has_one_publisher_does_not_miss_the_others_urls(tmp_path):
    ids = write_release(tmp_path)
    for file in (tmp_path / "dailymail" / "stories").iterdir():
        file.unlink()
    (tmp_path / "dailymail" / "stories").rmdir()
    sources = list_sources(tmp_path, CNN)
    assert drops_of(sources) == []
    assert len(sources) == 8
    (missing,) = tmp_path.rglob(f"{ids[4]}.story")
    missing.unlink()
    assert drops_of(list_sources(tmp_path, CNN)) == [("url_without_story", ids[4])]


def test_stories_directly_in_the_folder_are_those_of_the_lists(tmp_path):
    ids = write_release(tmp_path)
    for file in [*tmp_path.rglob("*.story")]:
        file.rename(tmp_path / file.name)
    for publisher in ("cnn", "dailymail"):
        shutil.rmtree(tmp_path / publisher)
    (tmp_path / f"{ids[3]}.story").unlink()
    sources = list_sources(tmp_path, CNN)
    assert drops_of(sources) == [("url_without_story", ids[3])]
    assert {source.split for source in sources} == {"train", "validation", "test"}


def test_stories_directly_in_the_folder_are_split_by_hash(tmp_path):
    (tmp_path / "a.story").write_text(story("Article", "One"))
    (tmp_path / "notes.md").write_text("not a story")
    for place in (tmp_path, tmp_path / "a.story"):
        assert unseen(list_sources(place, CNN)) == [SourceFile("a.story", 24, None, 0, 24)]


def test_a_story_too_large_is_dropped_unread(tmp_path):
    (tmp_path / "a.story").write_text("x" * 101)
    (source,) = list_sources(tmp_path, CorpusOptions(max_record_bytes=100))
    assert drops_of([source]) == [("too_large", "a")]
    assert source.drop.detail == "101 bytes, max_record_bytes 100"


def test_incomplete_or_contradictory_url_lists_are_refused(tmp_path):
    write_release(tmp_path)
    test_list = tmp_path / "url_lists" / "all_test.txt"
    test_list.write_text(f"{url_of(1)}\n\n{url_of(4)}\n")
    with pytest.raises(InputError, match=rf"all_test.txt, line 3: {url_of(4)} is also in .*train"):
        list_sources(tmp_path, CNN)
    test_list.write_bytes(url_of(1).encode("utf-16"))
    with pytest.raises(InputError, match=r"all_test.txt: byte 0 .*: most likely UTF-16 \(little"):
        list_sources(tmp_path, CNN)
    test_list.unlink()
    with pytest.raises(InputError, match=r"url_lists: all_test.txt missing"):
        list_sources(tmp_path, CNN)


def test_a_url_listed_twice_in_one_list_counts_once(tmp_path):
    ids = write_release(tmp_path)
    with open(tmp_path / "url_lists" / "all_test.txt", "a") as file:
        file.write(f"\n{url_of(1)}\n \n")
    sources = list_sources(tmp_path, CNN)
    assert sha1(url_of(1)) == ids[1]
    assert len(sources) == len(ids)


def test_coqa_files_have_the_splits_of_the_release(tmp_path):
    for name in ("coqa-train-v1.0.json", "coqa-dev-v1.0.json", "other.json"):
        (tmp_path / name).write_bytes(coqa_json(conversation()))
    sources = list_sources(tmp_path, COQA)
    assert [(source.name, source.split) for source in sources] == [
        ("coqa-dev-v1.0.json", "test"),
        ("coqa-train-v1.0.json", "train"),
    ]


@pytest.mark.parametrize(
    ("name", "split"), [("my-train.json", "train"), ("Dev.json", "test"), ("talks.json", None)]
)
def test_a_single_coqa_file_has_its_split_by_name(tmp_path, name, split):
    (tmp_path / name).write_bytes(coqa_json(conversation()))
    (source,) = list_sources(tmp_path / name, COQA)
    assert (source.name, source.split) == (name, split)


def test_tables_of_stories_are_found_in_folders_with_the_split_of_their_name(tmp_path):
    names = [
        "3.0.0/test-00000-of-00001.parquet",
        "3.0.0/train-00000-of-00003.parquet",
        "3.0.0/validation-00000-of-00001.parquet",
        "dev.jsonl.gz",
        "latest/interval.jsonl",
        "my_val.jsonl",
        "notes.md",
    ]
    (tmp_path / "3.0.0").mkdir()
    (tmp_path / "latest").mkdir()
    for name in names:
        (tmp_path / name).write_text("{}")
    splits = ["test", "train", "validation", "validation", None, "validation"]
    assert unseen(list_sources(tmp_path, CNN)) == [
        SourceFile(name, 2, split, 0, 2) for name, split in zip(names, splits, strict=False)
    ]
    assert unseen(list_sources(tmp_path / "dev.jsonl.gz", CNN)) == [
        SourceFile("dev.jsonl.gz", 2, "validation", 0, 2)
    ]


def test_a_folder_with_stories_in_two_layouts_is_refused(tmp_path):
    (tmp_path / "a.story").write_text(story("Article", "One"))
    (tmp_path / "train.jsonl").write_text("{}")
    with pytest.raises(InputError, match=r"both \.story files and tables .* found"):
        list_sources(tmp_path, CNN)


@pytest.mark.parametrize("suffix", ["csv", "json"])
def test_what_may_be_notes_beside_stories_is_a_table_where_there_are_none(tmp_path, suffix):
    (tmp_path / f"notes.{suffix}").write_text("{}\n")
    assert [source.name for source in list_sources(tmp_path, CNN)] == [f"notes.{suffix}"]
    (tmp_path / "a.story").write_text(story("Article", "One"))
    assert [source.name for source in list_sources(tmp_path, CNN)] == ["a.story"]


def test_one_file_of_a_pair_is_no_corpus(tmp_path):
    for name in ("test.txt.src", "test.txt.tgt.tagged"):
        (tmp_path / name).write_text("line\n")
    with pytest.raises(InputError, match="no story found"):
        list_sources(tmp_path / "test.txt.src", CNN)


def test_a_story_in_two_files_is_not_taken_for_one_of_no_list(tmp_path):
    ids = write_release(tmp_path)
    (file,) = tmp_path.rglob(f"{ids[4]}.story")
    file.with_name(f"{file.name}.gz").write_bytes(b"")
    sources = list_sources(tmp_path, CNN)
    assert drops_of(sources) == []
    assert len(sources) == 13


def test_tables_of_texts_are_beside_the_stream_of_texts(tmp_path):
    for name in ("a.txt", "b.csv", "c.jsonl", "test.csv", "d.md", "e.parquet", "f.npz"):
        (tmp_path / name).write_text("line\n" * 10)
    assert [
        (source.name, source.split, source.start) for source in list_sources(tmp_path, TEXT)
    ] == [
        ("a.txt", "train", 0),
        ("a.txt", "validation", 40),
        ("a.txt", "test", 45),
        ("b.csv", None, 0),
        ("c.jsonl", None, 0),
        ("e.parquet", None, 0),
        ("f.npz", None, 0),
        ("test.csv", "test", 0),
    ]


def test_a_pattern_chooses_among_the_files_of_a_folder(tmp_path):
    (tmp_path / "b").mkdir()
    for name in ("b/a.txt", "b/._a.txt", "c.txt", "._c.txt", "d.csv"):
        (tmp_path / name).write_text("line\n")
    for pattern, found in (
        ("*.txt", {"c.txt", "._c.txt"}),
        ("**/*.txt", {"b/a.txt", "b/._a.txt", "c.txt", "._c.txt"}),
        ("b/*", {"b/a.txt", "b/._a.txt"}),
    ):
        options = CorpusOptions(task="text", text_files=pattern)
        assert {source.name for source in list_sources(tmp_path, options)} == found
    with pytest.raises(InputError, match=r"match 'x' \(corpus\.text_files\)"):
        list_sources(tmp_path, CorpusOptions(task="text", text_files="x"))


def test_texts_are_found_in_folders_and_sorted_by_name(tmp_path):
    (tmp_path / "b").mkdir()
    for name in ("b/a.txt", "c.txt", "a.txt"):
        (tmp_path / name).write_text("line\n")
    options = CorpusOptions(task="text", validation_fraction=0, test_fraction=0)
    assert [source.name for source in list_sources(tmp_path, options)] == [
        "a.txt",
        "b/a.txt",
        "c.txt",
    ]


def test_a_file_in_the_current_folder_is_a_corpus(tmp_path, monkeypatch):
    (tmp_path / "a.txt").write_text("A line.\n" * 100)
    monkeypatch.chdir(tmp_path)
    assert read_records("a.txt", TEXT, 0) == read_records(tmp_path, TEXT, 0)


def test_a_single_text_file_is_cut_into_the_splits(tmp_path):
    file = tmp_path / "a.txt"
    file.write_text("012345678\n" * 10)
    assert unseen(list_sources(file, TEXT)) == [
        SourceFile("a.txt", 100, "train", 0, 80),
        SourceFile("a.txt", 100, "validation", 80, 90),
        SourceFile("a.txt", 100, "test", 90, 100),
    ]


def test_a_link_out_of_the_corpus_is_refused_and_one_within_is_not(tmp_path):
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    (tmp_path / "secret.txt").write_text("secret")
    (corpus / "a.txt").write_text("text")
    (corpus / "b.txt").symlink_to(corpus / "a.txt")
    assert {source.name for source in list_sources(corpus, TEXT)} == {"a.txt", "b.txt"}
    (corpus / "c.txt").symlink_to(tmp_path / "secret.txt")
    with pytest.raises(InputError, match=r"c.txt: a link that leads out of "):
        list_sources(corpus, TEXT)


@pytest.mark.parametrize("target", ["missing.txt", "b.txt"])
def test_a_link_to_nothing_or_to_itself_is_refused_and_not_passed_over(tmp_path, target):
    (tmp_path / "a.txt").write_text("text")
    (tmp_path / "notes").symlink_to("notes")
    assert [source.name for source in list_sources(tmp_path, TEXT)] == ["a.txt"]
    (tmp_path / "b.txt").symlink_to(target)
    with pytest.raises(InputError, match=rf"b\.txt: a link to {target}, where nothing is"):
        list_sources(tmp_path, TEXT)


@pytest.mark.parametrize("name", ["cnn", "cnn/stories", "dailymail/stories"])
def test_a_linked_folder_of_the_release_is_read_from_where_it_is(tmp_path, name):
    write_release(tmp_path / "corpus")
    expected = list_sources(tmp_path / "corpus", CNN)
    files = [file for file, _ in files_beneath(tmp_path / "corpus")]
    (tmp_path / "corpus" / name).rename(tmp_path / "elsewhere")
    (tmp_path / "corpus" / name).symlink_to(tmp_path / "elsewhere")
    found = list_sources(tmp_path / "corpus", CNN)
    assert [source[:7] for source in found] == [source[:7] for source in expected]
    assert sorted(file for file, _ in files_beneath(tmp_path / "corpus")) == sorted(files)
    (tmp_path / "secret").write_text("secret")
    folder = tmp_path / "corpus" / name / ("stories" if name == "cnn" else "")
    (folder / "copy.story").symlink_to(next((tmp_path / "elsewhere").rglob("*.story")))
    assert "copy" in {drop_id for _, drop_id in drops_of(list_sources(tmp_path / "corpus", CNN))}
    (folder / "a.story").symlink_to(tmp_path / "secret")
    with pytest.raises(InputError, match=r"a\.story: a link that leads out"):
        list_sources(tmp_path / "corpus", CNN)
    with pytest.raises(InputError, match=r"a\.story: a link that leads out"):
        list(files_beneath(tmp_path / "corpus"))


def test_any_other_linked_folder_is_no_part_of_the_corpus(tmp_path):
    write_release(tmp_path / "elsewhere")
    (tmp_path / "corpus").mkdir()
    (tmp_path / "corpus" / "stories").symlink_to(tmp_path / "elsewhere" / "cnn" / "stories")
    with pytest.raises(InputError, match=r"stories: a linked folder"):
        list_sources(tmp_path / "corpus", CNN)


def test_a_snapshot_in_a_cache_of_hugging_face_is_read_and_one_that_leads_out_of_it_is_not(
    tmp_path,
):
    cache = tmp_path / "hub" / "datasets--news"
    snapshot = cache / "snapshots" / "0a1b"
    (snapshot / "data").mkdir(parents=True)
    (cache / "blobs").mkdir()
    for name in ("train", "test"):
        (cache / "blobs" / f"{name}-blob").write_text('{"text": "a"}\n')
        link = snapshot / "data" / f"{name}.jsonl"
        link.symlink_to(f"../../../blobs/{name}-blob")
    sources = list_sources(snapshot, TEXT)
    assert {source.name: source.split for source in sources} == {
        "data/train.jsonl": "train",
        "data/test.jsonl": "test",
    }
    assert [name for name, _ in files_beneath(snapshot)] == ["data/test.jsonl", "data/train.jsonl"]
    (tmp_path / "hub" / "secret").write_text("secret")
    (snapshot / "secret.jsonl").symlink_to("../../../secret")
    with pytest.raises(InputError, match=r"secret\.jsonl: a link that leads out"):
        list_sources(snapshot, TEXT)
    with pytest.raises(InputError, match=r"secret\.jsonl: a link that leads out"):
        list(files_beneath(snapshot))


def test_a_corpus_that_is_itself_a_link_is_read(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "a.txt").write_text("text")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert [*list_sources(tmp_path / "link", TEXT)] == [*list_sources(tmp_path / "real", TEXT)]


def test_a_file_name_that_is_not_utf8_is_refused(tmp_path):
    with open(os.fsencode(tmp_path) + b"/caf\xe9.txt", "w") as file:
        file.write("text")
    with pytest.raises(InputError, match="name is not UTF-8; rename it"):
        list_sources(tmp_path, TEXT)


@pytest.mark.parametrize(
    ("options", "looked_for"),
    [(CNN, "cnn/stories/\\*.story"), (COQA, "coqa-train-v1.0.json"), (TEXT, ".txt")],
)
def test_an_empty_or_missing_corpus_is_refused(tmp_path, options, looked_for):
    with pytest.raises(InputError, match=f"looked for .*{looked_for}") as raised:
        list_sources(tmp_path, options)
    assert "text_files" not in str(raised.value)
    with pytest.raises(InputError, match=r"no such file or folder; set corpus\.path"):
        list_sources(tmp_path / "missing", options)


@pytest.mark.parametrize("options", [CNN, COQA, TEXT])
def test_a_folder_that_may_not_be_read_is_named(tmp_path, options, monkeypatch):
    def refuse(folder):
        raise PermissionError(errno.EACCES, "Permission denied", folder)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(InputError, match=f"^{tmp_path}/?: permission denied; make the corpus"):
        list_sources(tmp_path, options)


@pytest.mark.parametrize("options", [CNN, COQA, TEXT])
def test_a_single_file_of_another_kind_is_refused(tmp_path, options):
    file = tmp_path / "corpus.zip"
    file.write_bytes(b"PK")
    with pytest.raises(InputError, match=r"set corpus\.path"):
        list_sources(file, options)


@pytest.mark.parametrize("name", [".notes.txt", ".drafts/notes.txt"])
def test_a_hidden_file_is_no_text_as_no_digest_covers_it(tmp_path, name):
    (tmp_path / "one.txt").write_text("Some prose.")
    hidden = tmp_path / name
    hidden.parent.mkdir(exist_ok=True)
    hidden.write_text("Notes.")
    assert {source.name for source in list_sources(tmp_path, TEXT)} == {"one.txt"}
    covered = {found for found, _ in files_beneath(tmp_path)}
    assert covered == {"one.txt"}


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("constraint.json", None),
        ("devices.json", None),
        ("strained-testimony.json", None),
        ("my-train.json", "train"),
        ("dev_2.json", "test"),
        ("coqa-dev-v1.0.json", "test"),
        ("validation.json", "test"),
    ],
)
def test_a_word_in_the_name_says_the_split_of_conversations_not_a_part_of_one(
    tmp_path, name, split
):
    (tmp_path / name).write_bytes(coqa_json(conversation()))
    (source,) = list_sources(tmp_path / name, COQA)
    assert source.split == split


def test_a_table_with_commas_is_none_of_conversations_nor_does_a_stream_of_them_have_a_limit(
    tmp_path,
):
    (tmp_path / "notes.csv").write_text("story\n")
    with pytest.raises(InputError, match="no conversations found"):
        list_sources(tmp_path, COQA)
    (tmp_path / "train.jsonl").write_text(json.dumps(conversation("a")))
    (source,) = list_sources(tmp_path, replace(COQA, max_record_bytes=1))
    assert source.name == "train.jsonl"


def test_conversations_with_a_test_set_of_their_own_keep_their_validation_set(tmp_path):
    for split in ("train", "validation", "test"):
        (tmp_path / f"{split}.jsonl").write_text("{}")
    sources = list_sources(tmp_path, COQA)
    assert {f"{source.split}.jsonl" for source in sources} == {source.name for source in sources}


def test_suffixes_in_capitals_are_read_and_hidden_files_are_not(tmp_path):
    for name in ("CHAPTER.TXT", ".hidden.txt", ".git/a.txt", "Rows.JSONL", "a.Txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text('{"text": "a"}\n' * 100)
    sources = list_sources(tmp_path, TEXT)
    assert {source.name for source in sources} == {"CHAPTER.TXT", "Rows.JSONL", "a.Txt"}
    assert [source.split for source in sources if source.name == "Rows.JSONL"] == [None]


@pytest.mark.parametrize(
    ("options", "suffix"), [(CNN, "story"), (TEXT, "txt"), (CNN, "jsonl"), (COQA, "jsonl")]
)
def test_what_macos_puts_beside_files_is_counted_and_not_read(tmp_path, options, suffix):
    (tmp_path / f"a.{suffix}").write_text("A line.\n" * 100)
    (tmp_path / f"._a.{suffix}").write_bytes(b"\0\5\x16\7")
    (tmp_path / "._notes.md").write_bytes(b"\0\5\x16\7")
    sources = list_sources(tmp_path, options)
    assert drops_of(sources) == [("apple_double", f"._a.{suffix}")]
    assert {source.name for source in sources if source.drop is None} == {f"a.{suffix}"}
    assert "apple_double" in CHOSEN_REASONS


@pytest.mark.parametrize("options", [TEXT, CNN, COQA])
def test_a_folder_that_datasets_has_saved_is_read_by_its_splits(tmp_path, options):
    (tmp_path / "dataset_dict.json").write_text('{"splits": ["train", "test"]}')
    for split in ("train", "test"):
        (tmp_path / split).mkdir()
        beside = (
            "state.json",
            "dataset_info.json",
            "cache-5f0a.arrow",
            "cache-5f0a_00000_of_00002.arrow",
        )
        for name in ("data-00000-of-00001.arrow", *beside):
            (tmp_path / split / name).write_text("{}")
    assert {source.name: source.split for source in list_sources(tmp_path, options)} == {
        "train/data-00000-of-00001.arrow": "train",
        "test/data-00000-of-00001.arrow": "test",
    }


def test_an_empty_file_of_a_released_split_is_counted(tmp_path):
    for name, text in (("train.txt", "One.\n"), ("valid.txt", ""), ("test.txt", "Two.\n")):
        (tmp_path / name).write_text(text)
    _, drops = read_records(tmp_path, TEXT, 0)
    assert [(drop.reason, drop.source) for drop in drops] == [("empty", "valid.txt")]


@pytest.mark.parametrize("options", [CNN, COQA, TEXT], ids=["cnn_dailymail", "coqa", "text"])
def test_a_file_that_vanishes_while_the_corpus_is_listed_is_named(tmp_path, monkeypatch, options):
    for name in ("a.jsonl", "b.jsonl"):
        (tmp_path / name).write_text("{}")

    def vanishing(*arguments, **named):
        for name, path in [*files_beneath(*arguments, **named)]:
            yield name, path
            if name == "b.jsonl":
                Path(path).unlink()

    monkeypatch.setattr("preprocessing.readers.listing.files_beneath", vanishing)
    with pytest.raises(InputError, match=r"b\.jsonl: is gone since it was listed; run again when"):
        list_sources(tmp_path, options)
