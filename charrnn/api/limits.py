"""Bounds that the options of the command line share with the calls behind them; imports nothing."""

SHORTEST_SEARCH = 2000  # characters that `find` reads at least: a feature shows its forms over thousands
HELD_OUT = 0.05  # of the text with which cells are compared, its end, on which their gradients are measured
TRAINING = 200_000  # characters of the training text, its end, on which predictors that ask no network are fitted
SPREAD = 10  # times as many characters as `find` reads are looked at at most, to spread its stretches over them
CONTEXT = 100_000  # characters before a passage that are kept or read, to know how it begins
