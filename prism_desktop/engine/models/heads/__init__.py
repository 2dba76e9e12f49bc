"""Closed-form methods on cached features: heads that
are fitted in milliseconds, with numpy alone."""
