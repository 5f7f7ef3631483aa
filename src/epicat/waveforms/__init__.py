"""Waveforms: the objects of an archive in, segments ready for a picker out.

``records`` decodes, ``runs`` merges, ``resample`` brings to the picker's rate, ``bands`` chooses
the channels of the day, ``segments`` lays the components side by side.
"""
