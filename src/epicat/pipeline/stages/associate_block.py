"""Associate blocks: picks in, events and what a ledger entry says of them out."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import pyarrow as pa

from epicat.association.associator import Associator, SitePick, site_picks
from epicat.association.candidates import Candidate, Needs
from epicat.association.design import Design
from epicat.association.events import to_events
from epicat.association.quality import event_flags
from epicat.association.rates import Sifted, sift, whole_bins
from epicat.association.sites import SiteIndex
from epicat.association.stitch import events_of
from epicat.campaign.campaign import Campaign
from epicat.ledger import Flag, Status
from epicat.model import Event, Span
from epicat.pipeline.plan import inputs_digest
from epicat.store.base import Store, Where, station_day_entries

__all__ = ["BlockAssociator", "BlockResult", "StoredPicks"]

_KEPT_RUNS = 4
_PICK_RATE = "pick rate"
_IMPOSSIBLE = "impossible arrivals"


@dataclass(frozen=True, slots=True)
class BlockResult:
    """The result of a block."""

    status: Status
    """Outcome of the association."""
    events: tuple[Event, ...]
    """The block's events, in the order of time."""
    n_picks: int
    """Picks inside the block that were associated."""
    n_sites: int
    """Sites that those picks are at."""
    reason: str = ""
    """Instruments whose picks were excluded because of excessive pick rates."""
    flags: tuple[Flag, ...] = ()
    """Excluded picks and rejected events, by criterion."""


class StoredPicks:
    """The picks of a campaign's run in a store, as the blocks of a span need them."""

    def __init__(self, campaign: Campaign, store: Store, span: Span) -> None:
        self._campaign = campaign
        self._store = store
        # Read before any pick: picks that are marked later make the block due again.
        reach = span.widened(campaign.design.reach_ns)
        entries = station_day_entries(store, campaign.run.digest, reach)
        self._entries = {entry.key: entry for entry in entries}

    def read(self, span: Span) -> pa.Table:
        """Return the rows of ``picks`` in a span."""
        return self._store.read("picks", Where(design=self._campaign.run.digest, span=span))

    def inputs(self, block: Span) -> str:
        """Return the digest of the pick results that a block uses."""
        reach = block.widened(self._campaign.design.reach_ns)
        return inputs_digest(self._entries, self._campaign.pick_names, reach)


class BlockAssociator:
    """Associates the blocks of a unit, best in the order of time.

    A block's events are those of three runs of the associator: its own and its neighbours',
    stitched at the two seams.  Runs are kept, so that a row of blocks costs two extra.
    ``read`` returns the rows of ``picks`` in a span, in the order of time.
    """

    def __init__(
        self,
        design: Design,
        index: SiteIndex,
        read: Callable[[Span], pa.Table],
        associator: Associator,
    ) -> None:
        self._design = design
        self._index = index
        self._read = read
        self._associator = associator
        self._needs = Needs.from_pyocto(design.pyocto)
        self._runs: OrderedDict[Span, list[Candidate]] = OrderedDict()

    def associate(self, block: Span) -> BlockResult:
        """Associate a block."""
        before, own, after = (self._run(self._neighbour(block, step)) for step in (-1, 0, 1))
        chosen = events_of(block, (before, own, after), self._needs)
        picks, sifted = self._picks(block)
        events = to_events(chosen, self._design)
        left_out = self._at_sites(sifted.left_out["trace_id"].to_pylist())
        excessive = [str(crowd) for crowd in sifted.crowds if self._at_sites([crowd.trace_id])]
        rate = (Flag(_PICK_RATE, left_out),) if left_out else ()
        dropped = sum(candidate.dropped for candidate in chosen)
        impossible = (Flag(_IMPOSSIBLE, dropped),) if dropped else ()
        return BlockResult(
            status=Status.DONE if chosen else Status.NO_EVENTS if picks else Status.NO_PICKS,
            events=tuple(events),
            n_picks=len(picks),
            n_sites=len({pick.site for pick in picks}),
            reason="; ".join(excessive),
            flags=(
                *event_flags(events, self._design.quality, self._design.wanted),
                *impossible,
                *rate,
            ),
        )

    def _neighbour(self, block: Span, step: int) -> Span:
        shift = step * self._design.block_ns
        return Span(block.start_ns + shift, block.end_ns + shift)

    def _run(self, block: Span) -> list[Candidate]:
        """Return the candidates of one block with its halo."""
        if block not in self._runs:
            read = block.widened(self._design.halo_ns)
            picks, _ = self._picks(read)
            self._runs[block] = self._associator.associate(picks)
            while len(self._runs) > _KEPT_RUNS:
                self._runs.popitem(last=False)
        return self._runs[block]

    def _picks(self, span: Span) -> tuple[list[SitePick], Sifted]:
        """Return the picks of a span that are associated, and what became of all of them."""
        limits = self._design.quality
        sifted = sift(self._read(whole_bins(span, limits)), limits).within(span)
        return site_picks(sifted.kept, self._index, self._design.s_velocity), sifted

    def _at_sites(self, trace_ids: Iterable[str]) -> int:
        """Count the traces that are at a site of the campaign: the store may have others."""
        return sum(trace_id in self._index for trace_id in trace_ids)
