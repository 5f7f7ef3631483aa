// Station magnitudes of an event.
import { Columns } from "./columns";

export interface StationMagnitude {
  trace: string;
  value: number;
  /** An upper bound, where nothing rose above the noise. */
  bound: boolean;
  weight: number;
  distance: number;
  flag: string;
}

export class StationMagnitudes {
  private readonly byEvent = new Map<number, StationMagnitude[]>();

  constructor(columns: Columns) {
    const [event, value, bound, weight, distance] = ["event", "value", "is_bound", "weight", "distance_km"].map((name) => columns.number(name));
    for (let i = 0; i < columns.length; i++) {
      const rows = this.byEvent.get(event[i]) ?? [];
      if (!rows.length) this.byEvent.set(event[i], rows);
      rows.push({ trace: columns.codes("trace_id").at(i), value: value[i], bound: bound[i] === 1, weight: weight[i], distance: distance[i], flag: columns.codes("flag").at(i) });
    }
  }

  of(event: number): StationMagnitude[] {
    return this.byEvent.get(event) ?? [];
  }
}
