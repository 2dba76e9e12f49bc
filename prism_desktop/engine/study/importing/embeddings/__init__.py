"""Sets of embeddings."""
