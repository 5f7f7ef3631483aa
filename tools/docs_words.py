"""Count the words of the documentation: ``python tools/docs_words.py [FOLDER]``.

Prose, tables and commands count; the pages generated from the program, the notebook's outputs,
the changelog and the notes for contributors do not.
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
GENERATED = {"commands.md", "campaign.md"}
"""In docs/reference."""


def words(project: Path) -> dict[str, int]:
    """Return the number of words of the README and of each folder of docs/ ("" for its root)."""
    counts = Counter({"README.md": len((project / "README.md").read_text().split())})
    docs = project / "docs"
    for page in sorted(docs.rglob("*.md")):
        folder = page.parent.relative_to(docs).as_posix()
        if not (folder == "reference" and page.name in GENERATED):
            counts[folder] += len(page.read_text().split())
    return dict(counts)


def main() -> None:
    """Print the counts of a copy of the project, by default of this one."""
    counts = words(Path(sys.argv[1]) if len(sys.argv) > 1 else PROJECT)
    for folder, count in counts.items():
        print(f"{folder:12} {count:7,}")
    print(f"{'together':12} {sum(counts.values()):7,}")


if __name__ == "__main__":
    main()
