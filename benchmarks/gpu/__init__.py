"""The engine on a GPU: `python -m benchmarks.gpu --budget SECONDS`.

Needs only TensorFlow and this repository's `trainer/` and `preprocessing/base/errors.py`; the peers' rows run
where PyTorch and transformers are.
"""
