"""Alembic revisions of the study's database, run in-process when a study is opened."""
