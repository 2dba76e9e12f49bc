"""What a method adds to the likelihood of the answers: one
module per loss term, found by name in `Method.losses`."""
