"""What writing rows is measured by, for Prometheus."""

from prometheus_client import CollectorRegistry, Counter, Histogram, disable_created_metrics

# Seconds.
_STEP_BUCKETS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0)
_FIRST_TOKEN_BUCKETS = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)

# For each number the client would show when it began to be counted, too.
disable_created_metrics()


class BatchingMetrics:
    """Tokens, times in seconds, and faults. registry: these, and what else a server counts."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.prompt_tokens = Counter(
            "gpt2_tfx_prompt_tokens", "Tokens of prompts.", registry=self.registry
        )
        self.completion_tokens = Counter(
            "gpt2_tfx_completion_tokens", "Tokens written.", registry=self.registry
        )
        self.model_errors = Counter(
            "gpt2_tfx_model_errors", "Times that the model failed.", registry=self.registry
        )
        self.first_token = Histogram(
            "gpt2_tfx_first_token_seconds",
            "From a request's coming to its first token.",
            buckets=_FIRST_TOKEN_BUCKETS,
            registry=self.registry,
        )
        self.step = Histogram(
            "gpt2_tfx_step_seconds",
            "A token for each of the running rows.",
            buckets=_STEP_BUCKETS,
            registry=self.registry,
        )
