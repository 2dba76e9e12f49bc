"""The import assistant: a plan is looked at and decided on before anything is stored."""
