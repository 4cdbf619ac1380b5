"""Pages for a browser: what stands behind a model, and all pushed versions.

Each is one file that asks for nothing else, so it can be kept, mailed and read offline. It holds what the store holds:
digests, counts, names and parameters, and no text of records.
"""

from pipeline.lineage.pages.views import model_page, models_page

__all__ = ["model_page", "models_page"]
