"""A GPU for models that are used, not trained (for that see `trainer.device`)."""

from trainer.gpu_environment import driver_version
from trainer.host_memory import let_gpu_memory_grow


def ready_gpu() -> bool:
    """Whether TensorFlow has a GPU, which is then ready for models.

    Its memory grows, products in float32 are exact, and what XLA compiles is kept for other processes.
    To be called before TensorFlow computes anything.
    """
    let_gpu_memory_grow()
    import tensorflow as tf

    if driver_version() is not None:
        from trainer.compilation_cache import keep_compiled_programs

        keep_compiled_programs()
    tf.config.experimental.enable_tensor_float_32_execution(False)
    return bool(tf.config.get_visible_devices("GPU"))
