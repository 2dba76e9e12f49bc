"""Programs for those who develop PRISM Desktop; not part of the installed package."""
