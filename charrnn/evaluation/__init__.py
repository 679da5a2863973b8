"""A model and a text in, figures out: scores, n-gram yardsticks, comparisons, dynamic evaluation, memorisation."""
