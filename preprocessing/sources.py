"""Which files a corpus consists of, in the layouts in which users have them."""

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from preprocessing.errors import InputError
from preprocessing.options import CorpusOptions
from preprocessing.records import Drop
from preprocessing.text_cuts import cut_stream

_URL_LISTS = {"all_train.txt": "train", "all_val.txt": "validation", "all_test.txt": "test"}
_COQA_FILES = {"coqa-train-v1.0.json": "train", "coqa-dev-v1.0.json": "test"}
_PUBLISHERS = ("cnn", "dailymail")


@dataclass(frozen=True)
class SourceFile:
    """A file of a corpus, or a piece of one: the unit that a worker reads.

    name: posix path relative to the corpus' folder.
    size: bytes in the whole file.
    split: the split of all its records, None where each record's id decides.
    start, stop: the bytes to read; all of the file except for `text`.
    drop: if set, the file is not read, only counted, as this says.
    """

    name: str
    size: int
    split: str | None
    start: int
    stop: int
    drop: Drop | None = None


def list_sources(root: Path, options: CorpusOptions) -> list[SourceFile]:
    """The sources of the corpus at `root`, a folder or a single file, in a fixed order.

    Raises InputError if the corpus is missing or empty, its layout is not one of the task's, a
    link leads out of it, or a file name is not UTF-8.
    """
    if not root.exists():
        raise InputError(
            f"{root}: no such file or folder; set corpus.path to the {options.task} corpus"
        )
    try:
        match options.task:
            case "cnn_dailymail":
                return _list_stories(root, options)
            case "coqa":
                return _list_conversations(root)
            case "text":
                return _list_texts(root, options)
    except PermissionError as error:
        raise InputError(
            f"{error.filename}: permission denied; make the corpus readable"
        ) from error


def corpus_folder(root: Path) -> Path:
    """The folder that the names of the sources are relative to: `root`, or a single file's."""
    return root if root.is_dir() else root.parent


def _list_stories(root: Path, options: CorpusOptions) -> list[SourceFile]:
    """Stories in `{cnn,dailymail}/stories`, or directly in `root`, with splits by url lists."""
    if not root.is_dir():
        raise InputError(f"{root}: is a file; set corpus.path to a folder of .story files")
    present = [name for name in _PUBLISHERS if (root / name / "stories").is_dir()]
    folders = [root / name / "stories" for name in present] or [root]
    files = [file for folder in folders for file in _walk(root, folder, ".story", recursive=False)]
    if not files:
        places = ", ".join(f"{name}/stories/*.story" for name in _PUBLISHERS)
        raise InputError(
            f"{root}: no story found; looked for {places} and *.story; "
            "set corpus.path to a folder with the CNN/DailyMail release"
        )
    urls = _read_url_lists(root)
    sources = []
    for name, size in files:
        story_id = Path(name).stem
        split = drop = None
        if urls:
            split, _, url = urls.pop(story_id, (None, "", ""))
            if split is None:
                detail = "the file's name is not the SHA-1 of any listed url"
                drop = Drop("not_in_url_lists", name, story_id, detail)
        if drop is None and size > options.max_record_bytes:
            detail = f"{size} bytes, max_record_bytes {options.max_record_bytes}"
            drop = Drop("too_large", name, story_id, detail)
        sources.append(SourceFile(name, size, split, 0, size, drop))
    for story_id, (split, list_name, url) in urls.items():
        # Somebody who has only one of the two folders does not miss the other's stories.
        if not present or _publisher(url) in present:
            drop = Drop("url_without_story", list_name, story_id, f"no {story_id}.story for {url}")
            sources.append(SourceFile(list_name, 0, split, 0, 0, drop))
    return sources


def _publisher(url: str) -> str:
    """Which folder of the release a url's story is in."""
    return "dailymail" if "dailymail.co.uk" in url else "cnn"


def _read_url_lists(root: Path) -> dict[str, tuple[str, str, str]]:
    """Split, list and url by the SHA-1 of each listed url; nothing if there are no lists."""
    folder = root / "url_lists"
    if not folder.is_dir():
        return {}
    missing = [name for name in _URL_LISTS if not (folder / name).is_file()]
    if missing:
        raise InputError(
            f"{folder}: {', '.join(missing)} missing; "
            f"provide all of {', '.join(_URL_LISTS)}, or remove the folder to split by hash"
        )
    urls: dict[str, tuple[str, str, str]] = {}
    for name, split in _URL_LISTS.items():
        try:
            lines = (folder / name).read_text("utf-8-sig").splitlines()
        except UnicodeDecodeError as error:
            raise InputError(
                f"{folder / name}: byte {error.start} is not UTF-8; save the list as UTF-8"
            ) from error
        for number, line in enumerate(lines, start=1):
            if not (url := line.strip()):
                continue
            story_id = hashlib.sha1(url.encode(), usedforsecurity=False).hexdigest()
            known = urls.setdefault(story_id, (split, f"url_lists/{name}", url))
            if known[0] != split:
                raise InputError(
                    f"{folder / name}, line {number}: {url} is also in {known[1]}; "
                    "a story can be in one split only, remove one of the two lines"
                )
    return urls


def _list_conversations(root: Path) -> list[SourceFile]:
    """CoQA's two files in a folder, or a single `.json` file of the same schema."""
    if root.is_dir():
        files = [file for file in _walk(root, root, ".json", False) if file[0] in _COQA_FILES]
        looked_for = ", ".join(_COQA_FILES)
    else:
        files = [(root.name, root.stat().st_size)] if root.suffix == ".json" else []
        looked_for = "a file whose name ends in .json"
    if not files:
        raise InputError(
            f"{root}: no conversations found; looked for {looked_for}; "
            "set corpus.path to a folder with these files, or to one .json file"
        )
    return [SourceFile(name, size, _coqa_split(name), 0, size) for name, size in files]


def _coqa_split(name: str) -> str | None:
    if name in _COQA_FILES:
        return _COQA_FILES[name]
    stem = Path(name).stem.lower()
    return "train" if "train" in stem else "test" if "dev" in stem else None


def _list_texts(root: Path, options: CorpusOptions) -> list[SourceFile]:
    """A `.txt` file, or all in a folder and its folders, cut into contiguous splits."""
    if root.is_dir():
        files = list(_walk(root, root, ".txt", recursive=True))
    else:
        files = [(root.name, root.stat().st_size)] if root.suffix == ".txt" else []
    if not files:
        raise InputError(
            f"{root}: no text found; looked for files whose names end in .txt; "
            "set corpus.path to such a file or to a folder of them"
        )
    folder = corpus_folder(root)

    def read_at(name: str, offset: int, length: int) -> bytes:
        with open(folder / name, "rb") as file:
            file.seek(offset)
            return file.read(length)

    sizes = dict(files)
    pieces = cut_stream(files, options.split_fractions, options.max_record_bytes, read_at)
    return [
        SourceFile(name, sizes[name], split, start, stop) for name, start, stop, split in pieces
    ]


def _walk(root: Path, folder: Path, suffix: str, recursive: bool) -> Iterator[tuple[str, int]]:
    """Name and size of the files in `folder` whose names end in `suffix`, sorted by name.

    A linked folder is not entered: what it holds is listed where it is.
    """
    _check_link(root, folder)
    found: list[tuple[str, int]] = []
    folders = [folder]
    while folders:
        with os.scandir(folders.pop()) as entries:
            for entry in entries:
                path = Path(entry.path)
                if entry.is_symlink():
                    _check_link(root, path)
                if recursive and entry.is_dir(follow_symlinks=False):
                    folders.append(path)
                elif entry.name.endswith(suffix) and entry.is_file():
                    found.append((_relative_name(root, path), entry.stat().st_size))
    return iter(sorted(found))


def _check_link(root: Path, path: Path) -> None:
    """Refuse a link that leads out of the corpus, whose files no digest of it would cover."""
    target = path.resolve()
    if not target.is_relative_to(root.resolve()):
        raise InputError(
            f"{path}: a link to {target}, outside the corpus; "
            "copy the file into the corpus, or remove the link"
        )


def _relative_name(root: Path, path: Path) -> str:
    name = path.relative_to(root).as_posix()
    try:
        name.encode()
    except UnicodeEncodeError as error:
        raise InputError(
            f"{os.fsencode(path)!r}: the file's name is not UTF-8; rename it"
        ) from error
    return name
