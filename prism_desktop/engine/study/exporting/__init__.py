"""Writing a study as tables that people and programs can
read, and that our own import reads back whole."""

from prism_desktop.engine.study.exporting.export import FORMATS, TABLES, export

__all__ = ["FORMATS", "TABLES", "export"]
