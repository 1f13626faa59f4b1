"""How a script runs at a terminal: its arguments, questions and answers, and one line for every fault."""
