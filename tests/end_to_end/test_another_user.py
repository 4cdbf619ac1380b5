"""A user who is not root, has no home, and stands elsewhere."""

import pytest

from tests.end_to_end.project import Project, copy_stories
from tests.users import ANOTHER_USER, folder_of_another, give_to_another


@pytest.mark.long
def test_does_the_whole_job() -> None:
    with folder_of_another() as folder:
        corpus = copy_stories(folder / "the stories")
        project = Project(
            folder, {"corpus": {"task": "cnn_dailymail", "path": corpus.name, "loss_on": "all"}}
        )
        give_to_another(folder)
        project.before = ["env", "-C", "/", *ANOTHER_USER]
        assert set(project.run().values()) == {"run"}
        assert set(project.run().values()) == {"cached"}
        limits = ["--prompt", "x", "--max-new-tokens", "3"]
        assert project.json("generate", "latest", *limits)["samples"]
        assert 0 not in {path.lstat().st_uid for path in project.workspace.rglob("*")}
