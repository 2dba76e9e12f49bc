"""The engine: studies, models, training, evaluation and analysis. Never imports Qt."""
