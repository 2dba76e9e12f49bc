"""Are the labels good? What answers say of a labeler's care, and of an attribute."""
