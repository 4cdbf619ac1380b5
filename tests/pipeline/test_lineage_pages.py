"""`lineage graph` and the page of `lineage list`: what they say, and how they are used in a real browser."""

import json
import re
from pathlib import Path
from typing import Any, Literal

import pytest

from pipeline import cli, lineage
from pipeline.commands.index_page import refresh_index, write_index
from pipeline.config_reading import load_config
from pipeline.lineage.evaluations import evaluations
from pipeline.lineage.pages import model_page, models_page
from pipeline.nodes import INDEX_PAGE, NODE_NAMES
from tests.browser import Browser, beyond_the_edge, brightness, contrast, texts
from tests.components.html_page import HOSTILE, Page
from tests.pipeline.launches import PROPERTIES, Launches
from tests.pipeline.trees import snapshot

# Selenium's names of keys, as WebDriver has them (W3C WebDriver, 17.4.2).
TAB, ENTER, ESCAPE, SHIFT_DOWN = "\ue004", "\ue007", "\ue00c", "\ue008"
KEY = "training.freeze_blocks"


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Launches:
    """Two pushed models: the second trained for other steps, and it took over from the first."""
    folder = tmp_path_factory.mktemp("pages")
    (folder / "corpus").mkdir()
    (folder / "corpus" / "one.txt").write_text("The words of the record.\n")
    (folder / "pipeline.yaml").write_text("corpus:\n  task: text\n  path: corpus\n")
    launches = Launches(folder / "pipeline.yaml")
    before, PROPERTIES["metrics"] = PROPERTIES["metrics"], '{"perplexity": 12.5, "rouge1": null}'
    for name, steps in (("first", 5), ("second", 9)):
        launches.results["Trainer"] = f"model {name}"
        launches.run(f"run-{name}", None, f"training.steps={steps}")
    PROPERTIES["metrics"] = before
    return launches


@pytest.fixture(scope="module")
def pages(history: Launches) -> Path:
    """The folder of `SECOND.html`, the page of the second model, and `index.html`, that of both."""
    folder = history.config_file.parent
    config = ["--config", str(history.config_file), "lineage"]
    second = history.versions.names()[-1]
    assert cli.main([*config, "graph", "latest", "-o", str(folder / f"{second}.html")]) == 0
    assert cli.main([*config, "list", "-o", str(folder / "index.html")]) == 0
    return folder


@pytest.fixture(scope="module")
def page(pages: Path, history: Launches) -> Path:
    return pages / f"{history.versions.names()[-1]}.html"


@pytest.fixture(scope="module")
def shown(history: Launches) -> dict[str, Any]:
    """What `lineage show` says of the second model."""
    pushed = lineage.pushed_artifact(history.store, history.versions.names()[-1])
    return lineage.show(history.store, pushed)


def words(page: Path) -> str:
    return " ".join(Page(page).text.split())


class TestTheModelsPage:
    def test_has_every_node_in_the_order_of_the_datas_way(self, page: Path) -> None:
        found = re.findall(r"<h3>(\w+)</h3>", page.read_text())
        assert found == [name for name in NODE_NAMES if name != "BaseModel"]

    def test_says_first_which_parameters_are_not_the_defaults(self, page: Path) -> None:
        text = words(page)
        first = text.index("Parameters that are not the defaults training.steps 9 (default null)")
        assert text.index("training.optimizer adamw") > first

    def test_has_digests_code_environment_reason_and_times(
        self, page: Path, shown: dict[str, Any]
    ) -> None:
        text = words(page)
        for node in shown["nodes"]:
            for part in (node["key"], node["code"]["digest"], node["reason"], node["machine"]):
                assert part in text
        assert all(
            f"{name} {value}" in text
            for node in shown["nodes"]
            for name, value in (node["code"]["files"] | node["environment"]).items()
        )
        assert all(artifact["digest"] in text for artifact in shown["artifacts"])

    def test_has_the_earlier_versions_beside_with_scores_and_when_latest_named_them(
        self, page: Path, history: Launches
    ) -> None:
        beside = words(page).split("Scores, and the versions beside")[1]
        first, second = history.versions.names()
        assert beside.startswith(f" Version {second}, this one metric this model perplexity 12.5")
        earlier = beside.split(f"Version {first} ")[1]
        assert "the same corpus perplexity 12.5 rouge1 not scored" in earlier
        assert re.search(r"UTC to 2\d\d\d-\S+ \S+ UTC, by run run-first", earlier)

    def test_has_the_champion_with_its_scores_on_the_same_records(
        self, shown: dict[str, Any], history: Launches, tmp_path: Path
    ) -> None:
        first, _ = history.versions.names()
        check = {"metric": "perplexity", "wanted": "at most 14", "value": 12.5, "passed": True}
        bound = {**check, "wanted": "not worse", "found": "not worse: 0.1 lower", "passed": False}
        champion = {"version": first, "digest": "c" * 64, "metrics": {"perplexity": 13.25}}
        decision = {
            "blessed": True,
            "split": "test",
            "gate_split": "validation",
            "intervals": {"perplexity": [11.5, 13.5]},
            "checks": [check, bound],
            "note": "",
            "champion": champion,
        }
        models = lineage.pushed_models(history.store, history.versions)
        (tmp_path / "page.html").write_text(
            model_page(
                {**shown, "decision": decision}, models, 0, Path("/nowhere"), Path("/nowhere")
            )
        )
        text = words(tmp_path / "page.html")
        assert (
            "metric this model champion perplexity 12.5 11.5 to 13.5 13.25 rouge1 not scored"
            in text
        )
        assert f"The champion was version {first}, scored on the same records." in text
        assert f"Version {first}, the champion" in text
        assert "perplexity at most 14 12.5, passed" in text
        assert "perplexity not worse not worse: 0.1 lower, failed" in text
        assert "It was decided by the validation split; scores are of the test split." in text

    def test_says_what_was_collected_and_what_is_unknown(
        self, shown: dict[str, Any], history: Launches, tmp_path: Path
    ) -> None:
        artifacts = [{**artifact, "collected": 86400.0} for artifact in shown["artifacts"]]
        models = lineage.pushed_models(
            history.store, history.versions, history.versions.names()[-1:]
        )
        (tmp_path / "page.html").write_text(
            model_page(
                {**shown, "artifacts": artifacts}, models, 7, Path("/nowhere"), Path("/nowhere")
            )
        )
        text = words(tmp_path / "page.html")
        assert text.count("collected 1970-01-02 00:00:00 UTC") == len(artifacts)
        assert "No other version was pushed." in text
        assert "7 more: gpt2-tfx lineage list has all." in text

    def test_leads_to_the_pages_that_nodes_wrote_and_that_lie_below(
        self, shown: dict[str, Any], history: Launches, tmp_path: Path
    ) -> None:
        top = history.config_file.parent
        models = lineage.pushed_models(history.store, history.versions)
        written = [
            Path(artifact["uri"], page)
            for kind, page in (
                ("CorpusReport", "corpus.html"),
                ("ModelRun", "training.html"),
                ("ModelEvaluation", "evaluation.html"),
            )
            for artifact in shown["artifacts"]
            if artifact["type"] == kind
        ]
        for path in written:
            path.write_text("")
        html = model_page(shown, models, 0, top, top)
        assert re.findall(r'href="([^#"]+)"', html) == [
            str(path.relative_to(top)) for path in written
        ]
        assert "its page" not in model_page(shown, models, 0, top, tmp_path)
        for path in written:
            path.unlink()

    def test_scores_on_leaked_documents_say_so(
        self, shown: dict[str, Any], history: Launches
    ) -> None:
        models = lineage.pushed_models(history.store, history.versions)
        report = {"splits": {}, "dropped": 0, "reasons": {}, "duplicates": 0, "leaks": 3}

        def page_of(**values: Any) -> str:
            nowhere = Path("/nowhere")
            return model_page({**shown, **values}, models, 0, nowhere, nowhere)

        assert "3 documents of the corpus are in more than one split" in page_of(
            corpus_report=report
        )
        dropped = shown["parameters"] | {"corpus.on_leak": "drop"}
        for values in (
            {},
            {"corpus_report": {**report, "leaks": 0}},
            {"corpus_report": report, "parameters": dropped},
        ):
            assert "may be too good" not in page_of(**values)

    def test_holds_no_text_of_a_record(self, page: Path) -> None:
        assert "words of the record" not in page.read_text()

    def test_what_the_store_holds_is_text_and_never_markup(
        self, shown: dict[str, Any], history: Launches, tmp_path: Path
    ) -> None:
        path = tmp_path / "page.html"
        path.write_text(hostile_page(shown, history))
        tags = Page(path).tags
        assert tags.count("script") == 1
        assert "img" not in tags
        assert Page(path).text.count(HOSTILE) > 100


class TestTheIndex:
    def test_has_every_version_and_leads_to_the_pages_beside_it(
        self, pages: Path, history: Launches
    ) -> None:
        html, text = (pages / "index.html").read_text(), words(pages / "index.html")
        first, second = history.versions.names()
        assert text.index(f"{second} latest") < text.index(f" {first} ")
        assert "text, 1 record perplexity 12.5 rouge1 not scored" in text
        assert f'href="{second}.html"' in html
        assert f'href="{first}.html"' not in html

    def test_scores_stand_with_their_intervals_and_lead_to_the_evaluation_that_lies_below(
        self, history: Launches, tmp_path: Path
    ) -> None:
        found = lineage.pushed_models(history.store, history.versions)
        newest = {**found[0], "intervals": {"perplexity": [11.5, 13.5]}}
        page = Path(newest["evaluation"]["uri"], "evaluation.html")
        page.write_text("")
        top = history.config_file.parent
        (tmp_path / "above.html").write_text(models_page("gpt2", [newest], [], top))
        assert "perplexity 12.5 11.5 to 13.5" in words(tmp_path / "above.html")
        assert f'href="{page.relative_to(top)}"' in (tmp_path / "above.html").read_text()
        assert 'evaluation.html"' not in models_page("gpt2", [newest], [], tmp_path)
        page.unlink()
        assert 'evaluation.html"' not in models_page("gpt2", [newest], [], top)

    def test_has_every_evaluation_of_models_that_were_not_pushed_too(
        self, history: Launches, tmp_path: Path
    ) -> None:
        models = lineage.pushed_models(history.store, history.versions)
        refused, blessed = evaluations(history.store, models[1:])
        check = {"metric": "rouge1", "wanted": ">= 0.9", "value": 0.5, "passed": False, "found": ""}
        refused |= {"blessed": False, "split": "test", "refusals": [check], "exposed": 2}
        refused["intervals"] = {"perplexity": [11.5, 13.5]}
        top = history.config_file.parent
        written = [
            Path(refused["artifacts"][name]["uri"], f"{name}.html")
            for name in ("evaluation", "training", "corpus")
        ]
        for path in written:
            path.write_text("")
        html = models_page("gpt2", models[1:], [refused, blessed], top)
        (tmp_path / "page.html").write_text(html)
        text = words(tmp_path / "page.html").split("All evaluations")[1]
        first, second = text.split("run-second")[1].split("run-first")
        assert "not blessed not pushed rouge1: 0.5; wanted is >= 0.9" in first
        assert "perplexity 12.5 11.5 to 13.5" in first
        assert "2 records of the split are in the training set too" in first
        assert f"version {models[1]['model']}" in second
        # The two evaluations are of one corpus.
        links = re.findall(r'href="([^"]+)">(?:evaluation|training|corpus)</a>', html)
        assert [str(path.relative_to(top)) for path in (*written, written[-1])] == links
        for path in written:
            path.unlink()

    def test_lies_at_the_top_of_a_workspace(self, history: Launches) -> None:
        loaded = load_config(history.config_file)
        write_index(loaded)
        page = loaded.workspace / INDEX_PAGE
        assert words(page).count("run-second") == 2
        page.write_text("an earlier one")
        refresh_index(loaded)
        assert "run-second" in words(page)
        page.unlink()
        refresh_index(loaded)
        assert not page.exists()

    def test_without_a_version_says_so(self, tmp_path: Path) -> None:
        (tmp_path / "page.html").write_text(models_page(HOSTILE, [], [], tmp_path))
        assert "No version was pushed yet." in words(tmp_path / "page.html")
        assert Page(tmp_path / "page.html").tags.count("script") == 1

    def test_a_version_that_the_store_does_not_know_is_named(self, tmp_path: Path) -> None:
        model = {"model": "3", "latest": False, "pushed": None, "served": []}
        unknown = {
            **model,
            "digest": None,
            "corpus": None,
            "metrics": None,
            "intervals": {},
            "evaluation": None,
        }
        (tmp_path / "page.html").write_text(models_page("gpt2", [unknown], [], tmp_path))
        assert "the metadata store does not know it" in words(tmp_path / "page.html")


@pytest.mark.parametrize("action", [["graph", "latest"], ["list"]])
@pytest.mark.parametrize("output", ["missing/page.html", "page.json", "corpus.html"])
def test_a_page_that_cannot_be_written_is_refused(
    history: Launches, action: list[str], output: str, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = history.config_file.parent
    (folder / "corpus.html").mkdir(exist_ok=True)
    config = ["--config", str(history.config_file), "lineage"]
    assert cli.main([*config, *action, "-o", str(folder / output)]) == 2
    assert f"-o {folder / output}" in capsys.readouterr().err


def hostile_page(shown: dict[str, Any], history: Launches) -> str:
    """The page of a store in which every text would be markup."""

    def spoil(value: Any, key: str = "") -> Any:
        if isinstance(value, dict):
            return {
                (f"{HOSTILE}{name}" if key in ("parameters", "files", "environment") else name):
                spoil(each, name)
                for name, each in value.items()
            }  # fmt: skip
        if isinstance(value, list):
            return [spoil(each) for each in value]
        return HOSTILE + value if isinstance(value, str) and key != "version" else value

    models = lineage.pushed_models(history.store, history.versions)
    spoiled = [{**spoil(model), "model": model["model"]} for model in models]
    return model_page(spoil(shown), spoiled, 0, Path("/nowhere"), Path("/nowhere"))


def opened(browser: Browser) -> list[str]:
    """The nodes that are open."""
    return texts(browser, ".node > details[open] h3")


class TestInABrowser:
    def test_a_node_opens_from_the_keyboard(self, browser: Browser, page: Path) -> None:
        browser.open(page, 1300)
        assert opened(browser) == []
        # The search, the two buttons, CorpusGen, StatisticsGen.
        browser.press("/", TAB, TAB, TAB, TAB, ENTER)
        assert opened(browser) == ["StatisticsGen"]
        browser.press(ENTER)
        assert opened(browser) == []

    def test_a_link_leads_to_a_node_and_opens_it_again(self, browser: Browser, page: Path) -> None:
        browser.open(page, 1300)
        for _ in range(2):
            browser.ask("document.querySelector('.way li:nth-child(6) a').focus()")
            browser.press(ENTER)
            assert opened(browser) == ["Trainer"]
            assert browser.ask("document.activeElement.innerText").startswith("Trainer")
            browser.press(ENTER)
            assert opened(browser) == []

    def test_the_search_finds_nodes_and_shows_the_lines(self, browser: Browser, page: Path) -> None:
        browser.open(page, 1300)
        browser.press("/", KEY.upper())
        assert texts(browser, ".node h3") == opened(browser) == ["Trainer"]
        assert texts(browser, ".found") == [f"{KEY} 0"]
        assert browser.ask("document.querySelector('#said').textContent") == "1 of 9 have it"
        browser.press(" is nowhere")
        assert texts(browser, ".node h3") == []
        browser.press(ESCAPE)
        assert len(texts(browser, ".node h3")) == 9
        assert opened(browser) == []

    def test_a_digest_is_copied_from_the_keyboard(
        self, browser: Browser, page: Path, shown: dict[str, Any]
    ) -> None:
        browser.open(page, 1300)
        browser.press(TAB, ENTER)
        browser.ask("new Promise(done => setTimeout(done, 50))")
        assert browser.ask("document.querySelector('#said').textContent") == "Copied"
        assert browser.ask("navigator.clipboard.readText()") == shown["model"]["digest"]

    @pytest.mark.parametrize("scheme", ["light", "dark"])
    def test_texts_can_be_read_in_light_and_dark(
        self, browser: Browser, page: Path, scheme: Literal["light", "dark"]
    ) -> None:
        browser.open(page, 1300, scheme)
        paper = browser.ask("getComputedStyle(document.body).backgroundColor")
        assert (brightness(paper) > 0.5) == (scheme == "light")
        for selector in ("h1", ".quiet", "a", "summary", ".copy", "input", "code"):
            assert contrast(browser, selector) >= 4.5, selector

    @pytest.mark.parametrize("width", [400, 1300])
    def test_no_page_scrolls_sideways(
        self, browser: Browser, pages: Path, page: Path, width: int
    ) -> None:
        for path in (page, pages / "index.html"):
            browser.open(path, width)
            browser.ask("document.querySelectorAll('details').forEach(d => d.open = true)")
            assert browser.ask("document.documentElement.scrollWidth") <= width
            assert beyond_the_edge(browser) == []

    def test_the_index_is_searched_too(
        self, browser: Browser, pages: Path, history: Launches
    ) -> None:
        browser.open(pages / "index.html", 1300)
        first, _ = history.versions.names()
        browser.press("/", "run-first")
        assert texts(browser, "#pushed + .models tbody tr > th") == [first]
        assert texts(browser, "#evaluations + .models tbody tr > th") == ["run-first"]

    def test_a_page_asks_for_nothing_and_runs_no_script_but_its_own(
        self, browser: Browser, page: Path, shown: dict[str, Any], history: Launches, tmp_path: Path
    ) -> None:
        browser.open(page, 1300)
        assert browser.ask("performance.getEntriesByType('resource').length") == 0
        assert browser.complaints() == []
        path = tmp_path / "page.html"
        planted = "<script>document.title = 'planted'</script><img src=x onerror=\"document.title='planted'\">"
        path.write_text(hostile_page(shown, history).replace("</body>", f"{planted}</body>"))
        browser.open(path, 1300)
        assert browser.ask("document.title").startswith("Lineage of version")
        assert any("Content Security Policy" in text for text in browser.complaints())
        browser.press("/", "alert(1)")
        assert len(texts(browser, ".node h3")) == 9


def test_writing_a_page_leaves_the_workspace_as_it_was(history: Launches, tmp_path: Path) -> None:
    workspace = history.config_file.parent / "workspace"
    before = snapshot(workspace)
    config = ["--config", str(history.config_file), "lineage"]
    assert cli.main([*config, "graph", "latest", "-o", str(tmp_path / "page.html")]) == 0
    assert cli.main([*config, "list", "-o", str(tmp_path / "index.html")]) == 0
    assert snapshot(workspace) == before


def test_pages_are_the_same_for_the_same_store(shown: dict[str, Any], history: Launches) -> None:
    models = lineage.pushed_models(history.store, history.versions)
    first, second = (
        model_page(json.loads(json.dumps(shown)), models, 0, Path("/nowhere"), Path("/nowhere"))
        for _ in range(2)
    )
    assert first == second
