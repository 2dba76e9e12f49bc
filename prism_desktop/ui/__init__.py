"""The window. Never imports SQLAlchemy or torch; reads frozen records and calls operations."""
