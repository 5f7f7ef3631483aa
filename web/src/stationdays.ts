// What became of each station-day.
import type { Columns } from "./columns";

export interface StationDay {
  /** Days since 1970. */
  day: number;
  status: string;
  reason: string;
  picks: number;
  gaps: number;
}

export class StationDays {
  private readonly byStation = new Map<string, StationDay[]>();

  constructor(columns: Columns) {
    const [station, status, reason] = ["station", "status", "reason"].map((name) => columns.codes(name));
    const [day, picks, gaps] = ["day", "picks", "gaps"].map((name) => columns.number(name));
    for (let i = 0; i < columns.length; i++) {
      const name = station.at(i);
      const rows = this.byStation.get(name) ?? [];
      if (!rows.length) this.byStation.set(name, rows);
      rows.push({ day: day[i], status: status.at(i), reason: reason.at(i), picks: picks[i], gaps: gaps[i] });
    }
  }

  of(station: string): StationDay[] {
    return this.byStation.get(station) ?? [];
  }
}

/** Classes of the calendar, by status; the rest are errors. */
export function statusClass(status: string): string {
  if (status === "done" || status === "no picks") return "good";
  if (status === "no data") return "absent";
  if (status === "missing") return "never";
  return status === "too gappy" || status === "rejected" ? "poor" : "bad";
}
