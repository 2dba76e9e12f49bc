"""Readers of data that others made: image folders,
ratings, comparisons, workbooks, and our own exports."""

from prism_desktop.engine.study.importing.image_folder import import_images
from prism_desktop.engine.study.importing.import_files import (
    import_files,
    is_embeddings,
    recognised,
)
from prism_desktop.engine.study.importing.outcome_coding import UnknownCodingError

__all__ = ["UnknownCodingError", "import_files", "import_images", "is_embeddings", "recognised"]
