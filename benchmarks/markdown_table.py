"""Markdown tables, for the pages that the benchmarks make."""


def markdown_table(heads, rows):
    """Return a Markdown table of texts, with a cell in each row for each heading."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
