"""What the data and the models say: agreement, networks, relevance maps, figures."""
