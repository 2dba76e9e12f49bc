"""Readers of data that others made: image folders, ratings, comparisons, workbooks."""
