// Waveforms of the record section: samples between -1 and 1.

export interface Waveform {
  trace: string;
  distance: number;
  /** Seconds since 1970 of the first sample. */
  start: number;
  /** Seconds between samples. */
  step: number;
  samples: number[];
}
