// Arrivals: picks of an event with their residuals.
import { Columns } from "./columns";

export interface Arrival {
  trace: string;
  phase: string;
  /** Of the pick, seconds since 1970. */
  time: number;
  confidence: number;
  /** Seconds, after the station term. */
  residual: number;
  term: number;
  /** Probability of being no outlier; NaN without a location. */
  weight: number;
  distance: number;
  azimuth: number;
  added: boolean;
  /** First motion: 1 up, -1 down, 0 undecided; NaN if none was measured. */
  polarity: number;
}

/** Arrivals in the order of the events that they belong to. */
export class Arrivals {
  private readonly starts: Int32Array;

  constructor(private readonly columns: Columns, events: number) {
    const event = columns.number("event");
    this.starts = new Int32Array(events + 1);
    for (let i = 0; i < columns.length; i++) this.starts[event[i] + 1]++;
    for (let i = 0; i < events; i++) this.starts[i + 1] += this.starts[i];
  }

  get length(): number {
    return this.columns.length;
  }

  of(event: number): Arrival[] {
    const found: Arrival[] = [];
    for (let i = this.starts[event]; i < this.starts[event + 1]; i++) found.push(this.at(i));
    return found;
  }

  at(i: number): Arrival {
    const c = this.columns;
    return {
      trace: c.codes("trace_id").at(i),
      phase: c.codes("phase").at(i),
      time: c.number("time")[i],
      confidence: c.number("confidence")[i],
      residual: c.number("residual_s")[i],
      term: c.number("term_s")[i],
      weight: c.number("weight")[i],
      distance: c.number("distance_km")[i],
      azimuth: c.number("azimuth_deg")[i],
      added: c.number("added")[i] === 1,
      polarity: c.number("polarity")[i],
    };
  }
}

export const NO_ARRIVALS: Arrival[] = [];
