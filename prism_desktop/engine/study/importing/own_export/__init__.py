"""Reading this program's own export back."""
