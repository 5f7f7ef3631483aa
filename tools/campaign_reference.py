"""Generate docs/reference/campaign.md from the option models; a test checks that it is current."""

from __future__ import annotations

from pathlib import Path

from epicat.campaign.reference import reference_page

PAGE = Path(__file__).resolve().parent.parent / "docs" / "reference" / "campaign.md"

if __name__ == "__main__":
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(reference_page(), encoding="utf-8")
