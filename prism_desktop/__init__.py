"""PRISM Desktop: label faces, train a model of each labeler, explore what it learned."""

__version__ = "0.1.0"
