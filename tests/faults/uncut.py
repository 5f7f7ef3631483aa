"""The picks of an archive that knows no days: what the days together must have."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from fractions import Fraction

from epicat.archive.archive import Archive
from epicat.campaign.campaign import Campaign
from epicat.model import Pick, Span, Station
from epicat.pick.openvino.bundle import Bundle
from epicat.pick.openvino.picker import OpenVinoPicker
from epicat.pick.picker import Picker
from epicat.pipeline.stages.pick_day import pick_segments
from epicat.waveforms.channel_selection import choose
from epicat.waveforms.records import Channel, Records, decode
from epicat.waveforms.segments import segments
from epicat.waveforms.traces import Trace, merge

__all__ = ["uncut_picks"]


def uncut_picks(campaign: Campaign) -> list[Pick]:
    """Return the picks of a campaign's stations, each read and picked as one piece."""
    if campaign.bundle is None:
        raise TypeError("a campaign without a bundle does not pick")
    picker = OpenVinoPicker(Bundle.read(campaign.bundle), 1)
    archive = campaign.open_archive()
    picks = (_of_station(campaign, archive, picker, row) for row in campaign.stations)
    return sorted(pick for part in picks for pick in part)


def _of_station(
    campaign: Campaign, archive: Archive, picker: Picker, row: Station
) -> Iterable[Pick]:
    span = campaign.span
    choice = choose(_runs(archive, row, span), span, {row.location})
    if choice is None:
        return []
    order, rate = picker.info.component_order, Fraction(picker.info.sampling_rate)
    found = segments(choice.components, order, rate, span)
    source = (f"{row.network}.{row.code}.{choice.location}", choice.band)
    return pick_segments(picker, found, campaign.picking.thresholds, source, span)[0]


def _runs(archive: Archive, row: Station, span: Span) -> dict[Channel, list[Trace]]:
    records: dict[Channel, list[Records]] = defaultdict(list)
    for item in archive.objects(row.network, row.code, span):
        decoded = decode(archive.read(item), row.network, row.code, span)
        for channel, some in decoded.channels.items():
            records[channel].extend(some)
    return {channel: merge(some, channel.rate) for channel, some in records.items()}
