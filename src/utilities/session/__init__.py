"""A script's session: the questions, the experiments, and the menu after each."""
