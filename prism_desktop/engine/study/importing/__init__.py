"""Readers of data that others made: image folders,
ratings, comparisons, workbooks, and our own exports."""

from prism_desktop.engine.study.importing.coding import UnknownCodingError
from prism_desktop.engine.study.importing.image_folder import import_images
from prism_desktop.engine.study.importing.import_files import (
    import_files,
    is_embeddings,
    recognised,
)

__all__ = ["UnknownCodingError", "import_files", "import_images", "is_embeddings", "recognised"]
