import dataclasses
import os
from pathlib import Path

import pytest

from components.options import NotWorseOptions, Threshold
from pipeline.config import Config
from pipeline.config_reading import load_config
from pipeline.path_checks import paths_of_node, paths_of_selection
from pipeline.selection import Selection
from preprocessing.base.errors import InputError
from tests.pipeline.conftest import WriteConfig

CORPUS = "corpus: {task: text, path: corpus}\n"


def faults(path: Path, *overrides: str) -> tuple[str, ...]:
    with pytest.raises(InputError) as caught:
        load_config(path, overrides)
    return caught.value.messages


class TestAFileThatHolds:
    def test_what_it_says_is_in_the_configuration(self, write_config: WriteConfig) -> None:
        path = write_config(
            CORPUS
            + "seed: 7\n"
            + "training: {steps: 20, clip_norm: null}\n"
            + "evaluation:\n"
            + "  not_worse: null\n"
            + "  thresholds: {perplexity: {min: 1, max: 90}}\n"
            + "beam: {args: ['--runner=FlinkRunner']}\n"
            + "kubeflow: {secrets: {PASSWORD: database/password}}\n"
        )
        config = load_config(path).config
        assert config.seed == 7
        assert config.corpus.task == "text"
        assert (config.training.steps, config.training.clip_norm) == (20, None)
        assert config.evaluation.not_worse is None
        assert config.evaluation.thresholds == {"perplexity": Threshold(min=1.0, max=90.0)}
        assert config.beam.args == ["--runner=FlinkRunner"]
        assert config.kubeflow.secrets == {"PASSWORD": "database/password"}

    def test_what_it_does_not_say_takes_its_default(self, write_config: WriteConfig) -> None:
        config = load_config(write_config(CORPUS)).config
        expected = Config()
        expected = dataclasses.replace(
            expected, corpus=dataclasses.replace(expected.corpus, task="text", path="corpus")
        )
        assert config == expected

    def test_a_part_of_a_section_leaves_the_rest_of_it(self, write_config: WriteConfig) -> None:
        config = load_config(
            write_config(CORPUS + "evaluation: {not_worse: {confidence: 0.9}}\n")
        ).config
        assert config.evaluation.not_worse == NotWorseOptions(perplexity=0.02, confidence=0.9)
        assert config.evaluation.split == "test"

    def test_relative_paths_start_from_the_file(self, config_file: Path, tmp_path: Path) -> None:
        loaded = load_config(config_file)
        assert loaded.workspace == tmp_path / "workspace"
        assert loaded.path("/elsewhere") == Path("/elsewhere")

    def test_relative_paths_do_not_follow_the_current_folder(
        self, config_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        loaded = load_config(Path("pipeline.yaml"))
        monkeypatch.chdir("/")
        assert loaded.workspace == tmp_path / "workspace"

    @pytest.mark.parametrize("value", ["on", "off"])
    def test_on_and_off_are_what_they_say(self, write_config: WriteConfig, value: str) -> None:
        path = write_config(CORPUS + f"training: {{xla: {value}}}\n")
        assert load_config(path).config.training.xla == value

    @pytest.mark.parametrize(
        ("written", "read"), [("1e-4", 1e-4), ("5E-3", 5e-3), ("2", 2.0), ("0.25", 0.25)]
    )
    def test_a_number_without_a_point_is_a_number(
        self, write_config: WriteConfig, written: str, read: float
    ) -> None:
        path = write_config(CORPUS + f"training: {{learning_rate: {written}}}\n")
        found = load_config(path).config.training.learning_rate
        assert (found, type(found)) == (read, float)

    @pytest.mark.parametrize("name", ["pipeline.yaml", "data/coqa.yaml", "data/text.yaml"])
    def test_the_files_that_ship_hold(self, root: Path, name: str) -> None:
        assert load_config(root / name).config.corpus.task in ("cnn_dailymail", "coqa", "text")

    def test_the_resolved_values_name_every_key(self, config_file: Path) -> None:
        resolved = load_config(config_file).resolved()
        assert set(resolved) == {option.name for option in dataclasses.fields(Config)}
        assert resolved["training"]["batch_size"] == 8

    def test_a_dotted_key_finds_a_value_or_a_section(self, config_file: Path) -> None:
        values = load_config(config_file).values(["corpus.task", "evaluation.on_incomparable"])
        assert values == {
            "corpus.task": "text",
            "evaluation.on_incomparable": "refuse",
        }


class TestUnknownKeys:
    def test_a_near_name_is_suggested(self, write_config: WriteConfig) -> None:
        path = write_config(CORPUS + "training:\n  learning_rat: 0.1\n")
        assert faults(path) == (
            "pipeline.yaml:3: training.learning_rat: unknown key; did you mean learning_rate?",
        )

    def test_without_a_near_name_the_known_ones_are_listed(self, write_config: WriteConfig) -> None:
        (fault,) = faults(write_config(CORPUS + "validation:\n  zzz: 1\n"))
        assert fault == "pipeline.yaml:3: validation.zzz: unknown key; known: schema."

    def test_an_unknown_section_is_refused(self, write_config: WriteConfig) -> None:
        (fault,) = faults(write_config("trainin: {steps: 3}\n" + CORPUS))
        assert fault == "pipeline.yaml:1: trainin: unknown key; did you mean training?"

    def test_a_key_that_is_no_text_is_refused(self, write_config: WriteConfig) -> None:
        (fault,) = faults(write_config(CORPUS + "7: seven\n"))
        assert fault.startswith("pipeline.yaml:2: 7: unknown key;")

    def test_an_unknown_metric_is_refused(self, write_config: WriteConfig) -> None:
        (fault,) = faults(write_config(CORPUS + "evaluation:\n thresholds:\n  blue: {min: 1}\n"))
        assert fault.startswith("pipeline.yaml:4: evaluation.thresholds.blue: 'blue'")
        assert "one of perplexity, rouge1" in fault


class TestWrongTypes:
    @pytest.mark.parametrize(
        ("line", "fault"),
        [
            ("training: {steps: many}", "training.steps: 'many' is not a whole number."),
            ("training: {steps: 2.5}", "training.steps: 2.5 is not a whole number."),
            ("training: {steps: true}", "training.steps: True is not a whole number."),
            ("training: {batch_size: null}", "training.batch_size: None is not a whole number."),
            ("training: {learning_rate: fast}", "training.learning_rate: 'fast' is not a number."),
            ("training: {learning_rate: true}", "training.learning_rate: True is not a number."),
            ("tokens: {packing: 1}", "tokens.packing: 1 is not true or false."),
            ("name: 3", "name: 3 is not a text."),
            ('name: "\\uD800"', "name: '\\ud800' is not a text of Unicode."),
            ("training: 3", "training: 3 is not a section (a mapping of keys)."),
            ("tokens: [1]", "tokens: [1] is not a section (a mapping of keys)."),
            ("beam: {args: x}", "beam.args: 'x' is not a list."),
            ("beam: {args: [1]}", "beam.args: [1] is not a list in which each item is a text."),
            ("kubeflow: {secrets: x}", "kubeflow.secrets: 'x' is not a mapping."),
            (
                "model: {size: 125M}",
                "model.size: '125M' is not one of tiny, 124M, 355M, 774M, 1558M.",
            ),
            (
                "evaluation: {split: train}",
                "evaluation.split: 'train' is not one of validation, test.",
            ),
        ],
    )
    def test_is_named_with_key_line_and_value(
        self, write_config: WriteConfig, line: str, fault: str
    ) -> None:
        assert faults(write_config(CORPUS + line + "\n")) == (f"pipeline.yaml:2: {fault}",)

    def test_an_unknown_task_is_refused(self, write_config: WriteConfig) -> None:
        (fault,) = faults(write_config("corpus:\n  path: corpus\n  task: translate\n"))
        assert fault == (
            "pipeline.yaml:3: corpus.task: 'translate' is not one of cnn_dailymail, coqa, text."
        )

    def test_of_a_long_value_a_line_is_shown(self, write_config: WriteConfig) -> None:
        lists = [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
        for value in ("x" * 10_000, f"{{a0: &a0 [x], {', '.join(lists)}}}"):
            (fault,) = faults(write_config(f"{CORPUS}training: {{steps: {value}}}\n"))
            assert fault.startswith("pipeline.yaml:2: training.steps: ")
            assert fault.endswith(" is not a whole number.")
            assert len(fault) < 500

    def test_a_number_too_large_for_a_float_is_refused(self, write_config: WriteConfig) -> None:
        (fault,) = faults(write_config(CORPUS + f"training: {{epsilon: 1{'0' * 400}}}\n"))
        assert fault.endswith("is not a number that fits a float.")


class TestImpossibleValues:
    @pytest.mark.parametrize(
        ("line", "key", "says"),
        [
            ("training: {steps: 0}", "training.steps", "0 is impossible; it must be at least 1."),
            ("evaluation: {max_records: 0}", "evaluation.max_records", "at least 1"),
            ("training: {steps: 9223372036854775808}", "training.steps", "at least 1, in 64 bits"),
            ("training: {log_every: 0x" + 5000 * "f" + "}", "training.log_every", "so many digits"),
            ("model: {width: 0x" + 5000 * "f" + "}", "model.width", "so many digits"),
            ("seed: -1", "seed", "at least 0"),
            ("seed: 9223372036854775808", "seed", "below 9223372036854775808"),
            ("training: {learning_rate: 0}", "training.learning_rate", "greater than 0"),
            ("training: {learning_rate: .inf}", "training.learning_rate", "greater than 0"),
            ("training: {learning_rate: .nan}", "training.learning_rate", "greater than 0"),
            ("training: {dropout: 1}", "training.dropout", "at least 0 and below 1"),
            ("training: {beta2: 0.9999999999}", "training.beta2", "float32 makes it 1.0."),
            ("training: {epsilon: 1.0e-50}", "training.epsilon", "float32 makes it 0.0."),
            (
                "training: {learning_rate: 1.0e+39}",
                "training.learning_rate",
                "float32 makes it inf.",
            ),
            ("training: {epochs: 0}", "training.epochs", "at least 1"),
            ("training: {epochs: 2, steps: 9}", "training.epochs", "leave out one"),
            ("training: {steps_per_epoch: 2}", "training.steps_per_epoch", "training.epochs"),
            ("training: {keep_checkpoints: 0}", "training.keep_checkpoints", "at least 1"),
            ("training: {early_stopping: -1}", "training.early_stopping", "at least 0"),
            ("training: {decay_epochs: 0}", "training.decay_epochs", "greater than 0"),
            ("training: {decay_rate: 1.5}", "training.decay_rate", "at most 1"),
            ("training: {min_learning_rate: 1}", "training.min_learning_rate", "lower it"),
            ("generation: {top_p: 0}", "generation.top_p", "greater than 0 and at most 1"),
            ("generation: {top_p: 1.1}", "generation.top_p", "greater than 0 and at most 1"),
            ("generation: {top_k: -1}", "generation.top_k", "at least 0"),
            ("generation: {top_k: 2147483648}", "generation.top_k", "at most 2147483647"),
            ("generation: {beams: 2147483648}", "generation.beams", "at most 2147483647"),
            ("generation: {max_new_tokens: 512}", "generation.max_new_tokens", "no room"),
            ("tokens: {sequence_length: 1}", "tokens.sequence_length", "at least 2"),
            ("tokens: {windows: random, packing: false}", "tokens.packing", "windows random"),
            ("tokens: {windows: contiguous, over_long: drop}", "tokens.over_long", "no meaning"),
            ("training: {accumulate: 0}", "training.accumulate", "at least 1"),
            ("training: {low_memory: true}", "training.low_memory", "set clip_norm to null"),
            (
                "training: {low_memory: true, clip_norm: null, accumulate: 2}",
                "training.low_memory",
                "set accumulate to 1",
            ),
            (
                "training: {low_memory: true, clip_norm: null, precision: float16}",
                "training.low_memory",
                "set precision to bfloat16",
            ),
            (
                "training: {lora_rank: 4, freeze_blocks: 1}",
                "training.freeze_blocks",
                "frozen already",
            ),
            ("training: {lora_rank: -1}", "training.lora_rank", "at least 0"),
            ("training: {lora_rank: 65}", "training.lora_rank", "more than the model's width, 64"),
            ("training: {freeze_blocks: 99}", "training.freeze_blocks", "blocks of the model"),
            ("tokens: {sequence_length: 513}", "tokens.sequence_length", "longer than the context"),
            ("model: {width: 10, heads: 3}", "model", "not a multiple of heads 3"),
            ("model: {layers: 0}", "model.layers", "at least 1"),
            ("name: my pipeline", "name", "letters, digits"),
            (f"name: {'a' * 129}", "name", "1 to 128 letters"),
            ("store: oracle://x", "store", "postgresql://"),
            ("store: postgresql://u:secret@h/d", "store", "environment variable"),
            ("store: 'postgresql://[x'", "store", "URL"),
            ("workspace: corpus/../corpus/w", "workspace", "lies in the corpus"),
            ("notify: {command: 'a \"b'}", "notify.command", "No closing quotation"),
            ("notify: {webhook: ftp://h/}", "notify.webhook", "http://"),
            ("notify: {webhook: 'https://u:secret@h/'}", "notify.webhook", "environment variable"),
            ("workspace: pipeline.yaml", "workspace", "no folder"),
            ("workspace: pipeline.yaml/x", "workspace", "no folder"),
            ('workspace: "\\0"', "workspace", "no folder"),
            (f"workspace: {'a' * 5000}", "workspace", "no folder"),
            (
                "evaluation: {zero_shot: true}",
                "evaluation.zero_shot",
                "asked for summaries alone",
            ),
            (
                "evaluation: {not_worse: {perplexity: -1}}",
                "evaluation.not_worse.perplexity",
                "at least 0",
            ),
            (
                "evaluation: {not_worse: {f1: 0.01}}",
                "evaluation.not_worse.f1",
                "no score of text",
            ),
            (
                "evaluation: {champion: {metric: perplexity}}",
                "evaluation.champion",
                "replaced by evaluation.not_worse",
            ),
            (
                "evaluation: {thresholds: {f1: {min: 1}}}",
                "evaluation.thresholds.f1",
                "no score of text",
            ),
            ("kubeflow: {secrets: {A: b}}", "kubeflow.secrets.A", "secret/key"),
            ("kubeflow: {memory: much}", "kubeflow.memory", "such as 4Gi"),
            ("kubeflow: {cpu: 0}", "kubeflow.cpu", "greater than 0"),
            ("kubeflow: {retries: -1}", "kubeflow.retries", "at least 0"),
            ("kubeflow: {resources: {X: {}}}", "kubeflow.resources.X", "no such node"),
            (
                "kubeflow: {resources: {Trainer: {memory: 2}}}",
                "kubeflow.resources.Trainer.memory",
                "not a text",
            ),
            (
                "evaluation: {thresholds: {perplexity: {min: 2, max: 1}}}",
                "evaluation.thresholds.perplexity",
                "min 2.0 is above max 1.0",
            ),
        ],
    )
    def test_is_named_with_key_line_and_remedy(
        self, write_config: WriteConfig, line: str, key: str, says: str
    ) -> None:
        (fault,) = faults(write_config(CORPUS + line + "\n"))
        assert fault.startswith(f"pipeline.yaml:2: {key}: ")
        assert says in fault
        assert "model: model:" not in fault

    def test_of_a_base_model_that_is_not_there_is_named(self, write_config: WriteConfig) -> None:
        corpus = CORPUS.replace("text", "cnn_dailymail")
        (fault,) = faults(write_config(corpus + "evaluation: {zero_shot: true}\n"))
        assert fault.startswith("pipeline.yaml:2: evaluation.zero_shot: there is no base model")

    def test_a_hidden_workspace_may_lie_in_the_corpus(self, write_config: WriteConfig) -> None:
        path = write_config("corpus: {task: text, path: .}\nworkspace: .work/space\n")
        assert load_config(path).workspace == path.parent / ".work" / "space"

    def test_the_edges_of_the_ranges_are_possible(self, write_config: WriteConfig) -> None:
        path = write_config(
            CORPUS
            + "tokens: {sequence_length: 512}\n"
            + "generation: {top_p: 1, top_k: 0, temperature: 0, max_new_tokens: 511}\n"
            + "training: {dropout: 0, weight_decay: 0, warmup_steps: 0}\n"
        )
        assert load_config(path).config.generation.max_new_tokens == 511

    def test_a_split_that_leaves_nothing_to_train_on_is_refused(
        self, write_config: WriteConfig
    ) -> None:
        path = write_config(
            "corpus: {task: text, path: corpus, validation_fraction: 0.5, test_fraction: 0.5}\n"
        )
        assert "leave nothing to train on" in faults(path)[0]

    def test_a_longer_context_lets_a_longer_row_fit(self, write_config: WriteConfig) -> None:
        path = write_config(CORPUS + "tokens: {sequence_length: 600}\nmodel: {context: 600}\n")
        assert load_config(path).config.tokens.sequence_length == 600


class TestMissingPaths:
    """Reading a configuration asks for no path but those that a command needs."""

    def faults(self, path: Path, *nodes: str) -> list[str]:
        found = []
        for node in nodes:
            with pytest.raises(InputError) as caught:
                load_config(path, missing=paths_of_node(node))
            found += caught.value.messages
        return found

    @pytest.mark.parametrize(
        ("key", "node"),
        [
            ("model.base", "BaseModel"),
            ("validation.schema", "ImportSchemaGen"),
            ("tokens.vocabulary", "Tokenizer"),
        ],
    )
    def test_is_named_with_key_line_and_full_path(
        self, write_config: WriteConfig, tmp_path: Path, key: str, node: str
    ) -> None:
        section, name = key.split(".")
        path = write_config(CORPUS + f"{section}:\n  {name}: nowhere\n")
        (fault,) = self.faults(path, node)
        assert fault.startswith(f"pipeline.yaml:3: {key}: 'nowhere'")
        assert str(tmp_path / "nowhere") in fault
        load_config(path, missing=paths_of_node("CorpusGen"))

    def test_a_default_that_is_not_there_is_named_without_a_line(
        self, write_config: WriteConfig
    ) -> None:
        (fault,) = self.faults(write_config(""), "CorpusGen")
        assert fault.startswith("pipeline.yaml: corpus.path: 'data/cnn_dailymail'")

    def test_a_path_of_the_command_line_is_named_by_its_flag(
        self, write_config: WriteConfig
    ) -> None:
        everything = paths_of_selection(Selection())
        with pytest.raises(InputError, match=r"--set: corpus\.path: 'gone': there is nothing"):
            load_config(write_config(CORPUS), ["corpus.path=gone"], everything)

    def test_all_of_a_selection_are_named_together_with_other_faults(
        self, write_config: WriteConfig
    ) -> None:
        path = write_config("seed: x\ncorpus: {path: gone}\nmodel: {base: away}\n")
        with pytest.raises(InputError) as caught:
            load_config(path, missing=paths_of_selection(Selection(last=("Trainer",))))
        found = [fault.split(": ")[1] for fault in caught.value.messages]
        assert found == ["seed", "model.base", "corpus.path"]

    def test_a_folder_of_a_pattern_that_is_not_there_is_named(
        self, write_config: WriteConfig
    ) -> None:
        path = write_config('corpus: {task: text, path: "book/*.txt"}\n')
        (fault,) = self.faults(path, "CorpusGen")
        assert fault.startswith("pipeline.yaml:1: corpus.path: ")

    @pytest.mark.parametrize(
        ("written", "says"),
        [
            ("~nobody-is-called-so/x", "nothing at"),
            ("corpus/one.txt/x", "nothing at"),
            ('"\\0"', "nothing at"),
            ("a" * 5000, "cannot be looked at (File name too long)"),
        ],
    )
    def test_what_cannot_be_a_path_is_named_too(
        self, write_config: WriteConfig, written: str, says: str
    ) -> None:
        path = write_config(f"corpus: {{path: {written}}}\n")
        (fault,) = self.faults(path, "CorpusGen")
        assert fault.startswith("pipeline.yaml:1: corpus.path: ")
        assert says in fault

    def test_a_vocabulary_that_ships_is_no_path(self, write_config: WriteConfig) -> None:
        path = write_config(CORPUS + "tokens: {vocabulary: bytes}\n")
        loaded = load_config(path, missing=paths_of_selection(Selection()))
        assert loaded.config.tokens.vocabulary == "bytes"


class TestFaultsTogether:
    def test_all_are_reported_each_with_its_line(self, write_config: WriteConfig) -> None:
        path = write_config(
            "sed: 3\ncorpus:\n  task: text\n  path: 3\ntraining:\n  steps: none\n  batch_size: 0\n"
        )
        found = {fault.split(" ")[0]: fault for fault in faults(path)}
        assert {"pipeline.yaml:1:", "pipeline.yaml:4:", "pipeline.yaml:6:", "pipeline.yaml:7:"} == {
            *found
        }

    def test_a_value_of_a_wrong_type_is_not_reported_twice(self, write_config: WriteConfig) -> None:
        assert len(faults(write_config("corpus:\n  task: text\n  path: 3\n"))) == 1


class TestOverrides:
    def test_replaces_a_value_of_the_file(self, write_config: WriteConfig) -> None:
        path = write_config(CORPUS + "training: {steps: 20, batch_size: 3}\n")
        training = load_config(path, ["training.steps=5"]).config.training
        assert (training.steps, training.batch_size) == (5, 3)

    def test_adds_a_value_that_the_file_has_not(self, config_file: Path) -> None:
        config = load_config(
            config_file, ["evaluation.thresholds.perplexity.max=9", "seed=3"]
        ).config
        assert config.evaluation.thresholds == {"perplexity": Threshold(max=9.0)}
        assert config.seed == 3

    def test_the_last_of_two_counts(self, config_file: Path) -> None:
        assert load_config(config_file, ["seed=3", "seed=4"]).config.seed == 4

    def test_a_value_is_yaml(self, config_file: Path) -> None:
        config = load_config(
            config_file,
            ["training.learning_rate=1e-4", "evaluation.not_worse=null", "beam.args=[a, b]"],
        ).config
        assert config.training.learning_rate == 1e-4
        assert config.evaluation.not_worse is None
        assert config.beam.args == ["a", "b"]

    def test_a_section_opened_over_null_takes_its_other_defaults(
        self, write_config: WriteConfig
    ) -> None:
        path = write_config(CORPUS + "evaluation: {not_worse: null}\n")
        config = load_config(path, ["evaluation.not_worse.perplexity=0.5"]).config
        assert config.evaluation.not_worse == NotWorseOptions(perplexity=0.5)

    @pytest.mark.parametrize(
        ("override", "fault"),
        [
            ("training.steps=x", "--set: training.steps: 'x' is not a whole number."),
            ("training.stepz=5", "--set: training.stepz: unknown key; did you mean steps?"),
            (
                "seed=-1",
                "--set: seed: -1 is impossible; it must be at least 0 and below 9223372036854775808.",
            ),
            ("seed", "--set seed: expected KEY=VALUE, such as training.steps=500."),
            ("=5", "--set =5: expected KEY=VALUE, such as training.steps=500."),
            ("name=[", "--set name=[: the value '[' is not YAML."),
            ("name=2020-13-45", "--set name=2020-13-45: the value '2020-13-45' is not YAML."),
            ("name=!!bool x", "--set name=!!bool x: the value '!!bool x' is not YAML."),
            (
                'name="\\UFFFFFFFF"',
                """--set name="\\UFFFFFFFF": the value '"\\\\UFFFFFFFF"' is not YAML.""",
            ),
            ("corpus=3", "--set: corpus: 3 is not a section (a mapping of keys)."),
        ],
    )
    def test_a_fault_names_the_flag(self, config_file: Path, override: str, fault: str) -> None:
        assert fault in faults(config_file, override)

    def test_it_mends_a_fault_of_the_file(self, write_config: WriteConfig) -> None:
        path = write_config(CORPUS + "seed: wrong\n")
        assert load_config(path, ["seed=2"]).config.seed == 2

    def test_it_is_kept_for_the_containers(self, config_file: Path) -> None:
        assert load_config(config_file, ["seed=2"]).overrides == ("seed=2",)


class TestAFileThatCannotBeRead:
    def test_a_missing_file_names_the_flag(self, tmp_path: Path) -> None:
        (fault,) = faults(tmp_path / "none.yaml")
        assert "no such configuration file" in fault
        assert "--config" in fault

    def test_a_folder_is_refused(self, tmp_path: Path) -> None:
        assert "cannot be read" in faults(tmp_path)[0]

    def test_a_pipe_is_refused_and_not_waited_for(self, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "pipe")
        assert "cannot be read as a file" in faults(tmp_path / "pipe")[0]

    def test_bytes_that_are_not_utf8_are_refused(self, tmp_path: Path) -> None:
        (tmp_path / "pipeline.yaml").write_bytes(b"name: \xff\n")
        assert "cannot be read as UTF-8" in faults(tmp_path / "pipeline.yaml")[0]

    @pytest.mark.parametrize(
        ("text", "line"),
        [
            ("name: a\n bad: [\n", 2),
            ("name: a\n\tseed: 1\n", 2),
            ("seed: 1\nname: !!python/name:os.system x\n", 2),
            ("seed: 1\n? [a]\n: b\n", 2),
            ("- a\n- b\n", 1),
        ],
    )
    def test_broken_yaml_is_refused_with_its_line(
        self, write_config: WriteConfig, text: str, line: int
    ) -> None:
        (fault,) = faults(write_config(text))
        assert fault.startswith(f"pipeline.yaml:{line}: ")

    @pytest.mark.parametrize(
        "text",
        [
            "name: 2020-13-45\n",
            "a: &a\n  b: *a\n",
            "name: !!bool x\n",
            'name: !!int ""\n',
            "name: !!timestamp x\n",
            'name: "\\UFFFFFFFF"\n',
            "name: \x07\n",
            pytest.param(f"name: {'[' * 5000}\n", id="lists in lists"),
        ],
    )
    def test_values_that_yaml_cannot_make_are_refused(
        self, write_config: WriteConfig, text: str
    ) -> None:
        (fault,) = faults(write_config(text))
        assert fault.startswith("pipeline.yaml: ")

    def test_a_repeated_key_is_refused_with_both_lines(self, write_config: WriteConfig) -> None:
        path = write_config("training:\n  steps: 1\nseed: 3\nseed: 4\n")
        assert faults(path) == ("pipeline.yaml:4: seed stands twice (first on line 3).",)

    def test_a_repeated_section_and_a_repeated_inner_key_are_both_reported(
        self, write_config: WriteConfig
    ) -> None:
        path = write_config("training:\n  steps: 1\n  steps: 2\nmodel: {}\nmodel: {}\n")
        assert [fault.split(" ")[1] for fault in faults(path)] == ["training.steps", "model"]

    def test_the_same_key_in_two_sections_is_no_repetition(self, write_config: WriteConfig) -> None:
        path = write_config(
            CORPUS + "validation: {schema: null}\nmodel: {base: null}\nkubeflow: {mount: /m}\n"
        )
        assert load_config(path).config.kubeflow.mount == "/m"


class TestAPatternInThePathOfACorpus:
    @pytest.fixture
    def books(self, tmp_path: Path) -> Path:
        (tmp_path / "books").mkdir()
        (tmp_path / "books" / "a.txt").write_text("A text.\n")
        return tmp_path / "pipeline.yaml"

    def test_it_is_a_folder_and_a_choice_of_its_files(self, books: Path) -> None:
        books.write_text('corpus: {task: text, path: "books/**/*.txt"}\n')
        corpus = load_config(books).config.corpus
        assert Path(corpus.path) == books.parent / "books"
        assert corpus.text_files == "**/*.txt"
