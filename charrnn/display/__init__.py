"""Values in, pictures out (terminal, HTML, SVG, plots); knows no torch and no model, only numbers and strings."""
