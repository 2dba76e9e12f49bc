"""What a method adds to the likelihood of the answers: one
module per loss term, declared in `methods.parts.loss_parts`."""
