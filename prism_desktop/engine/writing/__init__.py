"""Learning to write like somebody: own texts of people, and models of what they would write."""
