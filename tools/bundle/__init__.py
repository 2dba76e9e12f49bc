"""One file that installs PRISM without any network."""
