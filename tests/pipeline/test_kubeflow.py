import ast
import inspect
import textwrap
from pathlib import Path
from typing import Any

import kfp
import pytest
import yaml
from kfp import components

from pipeline.code_snapshot import COMMIT_VARIABLE
from pipeline.config import LoadedConfig
from pipeline.config_reading import load_config
from pipeline.kubeflow import GPU_RESOURCE, write_kubeflow_pipeline
from pipeline.nodes import node_table
from tests.pipeline.conftest import WriteConfig

CONFIG = """\
name: my_pipeline
corpus: {task: text, path: corpus}
model: {base: corpus}
store: postgresql://user:$PASSWORD@database/metadata
kubeflow:
  image: registry/gpt2-tfx:7
  claim: my-claim
  mount: /data
  configuration: configs/pipeline.yaml
  secrets: {PASSWORD: database/password}
  cpu: 0.5
  resources: {Trainer: {cpu: 8, memory: 24Gi}, Pusher: {memory: 500M}}
  retries: 3
"""


@pytest.fixture
def loaded(write_config: WriteConfig) -> LoadedConfig:
    return load_config(write_config(CONFIG), ["training.steps=3", "name=other"])


@pytest.fixture
def documents(loaded: LoadedConfig, tmp_path: Path) -> list[dict[str, Any]]:
    write_kubeflow_pipeline(loaded, tmp_path / "pipeline.kfp.yaml")
    return list(yaml.safe_load_all((tmp_path / "pipeline.kfp.yaml").read_text()))


@pytest.fixture
def tasks(documents: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Node name -> its task."""
    found = documents[0]["root"]["dag"]["tasks"].values()
    return {task["taskInfo"]["name"]: task for task in found}


def container(documents: list[dict[str, Any]], task: dict[str, Any]) -> dict[str, Any]:
    component = documents[0]["components"][task["componentRef"]["name"]]
    return documents[0]["deploymentSpec"]["executors"][component["executorLabel"]]["container"]


def test_it_loads_with_the_kfp_sdk(loaded: LoadedConfig, tmp_path: Path) -> None:
    write_kubeflow_pipeline(loaded, tmp_path / "p.yaml")
    pipeline = components.load_component_from_text((tmp_path / "p.yaml").read_text())
    assert pipeline.name == "other"


def test_every_node_is_one_container(
    documents: list[dict[str, Any]], tasks: dict[str, dict[str, Any]], loaded: LoadedConfig
) -> None:
    names = [node.name for node in node_table(loaded.config)]
    assert "BaseModel" in names
    assert set(tasks) == set(names)
    assert len(documents[0]["deploymentSpec"]["executors"]) == len(names)


def test_a_container_runs_its_node_under_the_id_of_the_kubeflow_run(
    documents: list[dict[str, Any]], tasks: dict[str, dict[str, Any]]
) -> None:
    for name, task in tasks.items():
        made = container(documents, task)
        assert made["image"] == "registry/gpt2-tfx:7"
        assert made["command"] == [
            *["gpt2-tfx", "--config", "/data/configs/pipeline.yaml"],
            *["--set", "training.steps=3", "--set", "name=other"],
        ]
        assert made["args"] == ["node", name, "--run-id", "{{$.inputs.parameters['run_id']}}"]
        run_id = task["inputs"]["parameters"]["run_id"]["runtimeValue"]["constant"]
        assert run_id == "{{$.pipeline_job_uuid}}"


def test_the_command_line_of_a_container_is_one_of_ours(
    documents: list[dict[str, Any]], tasks: dict[str, dict[str, Any]]
) -> None:
    from pipeline.arguments import parse

    made = container(documents, tasks["Trainer"])
    parsed = parse([*made["command"][1:], *made["args"]])
    assert (parsed.module, parsed.node) == ("node", "Trainer")
    assert parsed.overrides == ["training.steps=3", "name=other"]


def test_only_trainer_and_evaluator_ask_for_a_gpu(
    documents: list[dict[str, Any]], tasks: dict[str, dict[str, Any]]
) -> None:
    asking = {}
    for name, task in tasks.items():
        accelerator = container(documents, task).get("resources", {}).get("accelerator")
        if accelerator is not None:
            asking[name] = (accelerator["resourceType"], accelerator["resourceCount"])
    assert asking == {"Trainer": (GPU_RESOURCE, "1"), "Evaluator": (GPU_RESOURCE, "1")}
    assert GPU_RESOURCE == "nvidia.com/gpu"


def test_a_training_on_the_processor_asks_for_no_gpu(
    write_config: WriteConfig, tmp_path: Path
) -> None:
    loaded = load_config(write_config(CONFIG), ["training.device=cpu"])
    write_kubeflow_pipeline(loaded, tmp_path / "p.yaml")
    assert "accelerator" not in (tmp_path / "p.yaml").read_text()


def test_every_container_asks_for_processors_and_memory(
    documents: list[dict[str, Any]], tasks: dict[str, dict[str, Any]]
) -> None:
    asked = {}
    for name, task in tasks.items():
        resources = container(documents, task)["resources"]
        asked[name] = (resources["resourceCpuRequest"], resources["resourceMemoryRequest"])
    assert asked == dict.fromkeys(tasks, ("0.5", "4Gi")) | {
        "Trainer": ("8", "24Gi"),
        "Pusher": ("0.5", "500M"),
    }


def test_a_container_that_failed_is_started_again(tasks: dict[str, dict[str, Any]]) -> None:
    for task in tasks.values():
        assert task["retryPolicy"] == {
            "maxRetryCount": 3,
            "backoffDuration": "60s",
            "backoffFactor": 2.0,
            "backoffMaxDuration": "600s",
        }


def test_without_retries_nothing_is_said_of_them(write_config: WriteConfig, tmp_path: Path) -> None:
    loaded = load_config(write_config(CONFIG), ["kubeflow.retries=0"])
    write_kubeflow_pipeline(loaded, tmp_path / "p.yaml")
    assert "retryPolicy" not in (tmp_path / "p.yaml").read_text()


def test_a_node_waits_for_the_nodes_that_it_reads(
    documents: list[dict[str, Any]], tasks: dict[str, dict[str, Any]], loaded: LoadedConfig
) -> None:
    by_task = {
        task: body["taskInfo"]["name"]
        for task, body in documents[0]["root"]["dag"]["tasks"].items()
    }
    for node in node_table(loaded.config):
        waits = {by_task[task] for task in tasks[node.name].get("dependentTasks", [])}
        assert waits == set(node.upstream), node.name


def test_kubeflow_does_not_cache_beside_us(tasks: dict[str, dict[str, Any]]) -> None:
    assert not [n for n, task in tasks.items() if task["cachingOptions"].get("enableCache")]


def test_every_container_mounts_the_claim_and_takes_the_secrets(
    documents: list[dict[str, Any]], tasks: dict[str, dict[str, Any]]
) -> None:
    executors = documents[1]["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    assert len(executors) == len(tasks)
    for executor in executors.values():
        (mount,) = executor["pvcMount"]
        assert mount["mountPath"] == "/data"
        assert "my-claim" in str(mount)
        (secret,) = executor["secretAsEnv"]
        assert "database" in str(secret)
        assert secret["keyToEnv"][0] == {"secretKey": "password", "envVar": "PASSWORD"}


def test_the_same_configuration_gives_the_same_file(loaded: LoadedConfig, tmp_path: Path) -> None:
    for name in ("one.yaml", "two.yaml"):
        write_kubeflow_pipeline(loaded, tmp_path / name)
    assert (tmp_path / "one.yaml").read_bytes() == (tmp_path / "two.yaml").read_bytes()


def test_the_image_takes_the_commit_as_an_argument_and_the_context_has_no_git(root: Path) -> None:
    dockerfile = (root / "deploy" / "Dockerfile").read_text().splitlines()
    assert "ARG COMMIT" in dockerfile
    assert f"ENV {COMMIT_VARIABLE}=$COMMIT" in dockerfile
    assert "--build-arg COMMIT=$$(git describe" in (root / "Makefile").read_text()
    assert ".git" in (root / ".dockerignore").read_text().splitlines()


def test_the_calls_of_the_page_about_schedules_are_ones_that_the_client_takes(root: Path) -> None:
    page = (root / "docs" / "schedules.md").read_text(encoding="utf-8")
    code = page[page.index("    import kfp") : page.index("The cron expression of Kubeflow")]
    calls = {
        call.func.attr: call
        for call in ast.walk(ast.parse(textwrap.dedent(code)))
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute)
    }
    assert calls.keys() == {"Client", "create_experiment", "create_recurring_run"}
    for name, call in calls.items():
        takes = kfp.Client if name == "Client" else getattr(kfp.Client, name)
        itself = [] if name == "Client" else [None]
        keywords = {keyword.arg: keyword for keyword in call.keywords if keyword.arg}
        inspect.signature(takes).bind(*itself, *call.args, **keywords)
