"""Wood-Anderson amplitudes, measured on the waveforms of a station-day.

``response`` describes instruments, ``wood_anderson`` turns counts into the record of a
Wood-Anderson seismograph, ``windows`` measures that record at picks, ``envelope`` over the entire
day, ``polarity`` the first motions, and ``rows`` packs the results for the tables.
"""
