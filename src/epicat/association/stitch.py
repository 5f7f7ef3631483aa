"""Stitch the events of two neighbouring blocks where they meet.

Each block is associated with a halo, so both have an opinion on the events near their seam.  A
block owns the events whose origin time lies inside it.  With a halo that holds whole slices
(`epicat.association.slices`) both are of one opinion there; with a shorter one they may disagree
about an event, so that it could be owned by both or by neither.  The stitch mends that, and looks
at nothing but the two blocks: a catalog does not depend on which blocks were computed together.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from epicat.association.candidates import Candidate, Needs, exclusive
from epicat.model import Span

__all__ = ["events_of", "stitch"]


def events_of(
    block: Span,
    runs: tuple[Sequence[Candidate], Sequence[Candidate], Sequence[Candidate]],
    needs: Needs,
) -> list[Candidate]:
    """Return the events of a block, in the order of time.

    ``runs`` are the candidates of the block before, of the block and of the one after, halos
    included.  What happens at one seam decides up to the middle of the block.
    """
    before, own, after = runs
    middle = (block.start_ns + block.end_ns) // 2
    first = stitch(before, own, block.start_ns, needs)
    second = stitch(own, after, block.end_ns, needs)
    return [
        *(c for c in first if block.start_ns <= c.time_ns < middle),
        *(c for c in second if middle <= c.time_ns < block.end_ns),
    ]


def stitch(
    before: Sequence[Candidate], after: Sequence[Candidate], seam_ns: int, needs: Needs
) -> list[Candidate]:
    """Return the events around a seam, in the order of time, no pick in two of them.

    Given are the candidates of the block before and the block after the seam, halos included.
    Owned are the first's before the seam and the second's from it on.  An event that each
    places on the other's side (so that neither owns it) is taken from the better of the two; an
    event that each places on its own side loses its shared picks to the better one, and with
    them usually its existence.
    """
    mine = [c for c in before if c.time_ns < seam_ns]
    others = [c for c in after if c.time_ns >= seam_ns]
    orphans = _orphans(
        [c for c in before if c.time_ns >= seam_ns],
        [c for c in after if c.time_ns < seam_ns],
        mine + others,
        needs,
    )
    return exclusive([*mine, *others, *orphans], needs)


def _orphans(
    late: Iterable[Candidate],
    early: Sequence[Candidate],
    owned: Sequence[Candidate],
    needs: Needs,
) -> list[Candidate]:
    """Return the better of each pair that is one event and that neither block owns.

    Where several pairs are views of one event, all are returned: the best of them wins later.
    """
    # A pick may be in several candidates of one block: in one of each view.
    by_pick: dict[str, list[int]] = defaultdict(list)
    for at, candidate in enumerate(early):
        for pick in candidate.picks:
            by_pick[pick.pick_id].append(at)
    taken = {p.pick_id for c in owned for p in c.picks}
    found = []
    for candidate in late:
        shared = Counter(at for p in candidate.picks for at in by_pick.get(p.pick_id, ()))
        for at, count in shared.items():
            twin = early[at]
            if 2 * count >= min(len(candidate.picks), len(twin.picks)):
                better = min(candidate, twin, key=needs.rank)
                if 2 * sum(p.pick_id in taken for p in better.picks) < len(better.picks):
                    found.append(better)
    return found
