"""Waveforms: bytes of archive objects in, segments ready for a picker out.

``records`` decodes miniSEED, ``traces`` merges records into contiguous traces, ``resample`` brings
them to the picker's rate, ``channel_selection`` selects the channels, ``segments`` aligns the
components.
"""
