// Which events are selected: one bit per dimension that leaves an event out.
import type { EventArrays, Limits } from "./messages";

export const PLACE = 1;
export const DEPTH = 2;
export const TIME = 4;
export const MAGNITUDE = 8;
export const OTHER = 16;
/** Events that the user did not ask for are in no panel, not even dimmed. */
export const HIDDEN = 32;

export class Selection {
  /** Bits of each event; 0 if it is selected. */
  readonly bits: Uint8Array;
  selected = 0;
  /** Events that are not hidden. */
  total = 0;
  private known: Record<string, string> = {};

  constructor(private readonly events: EventArrays) {
    this.bits = new Uint8Array(events.time.length);
  }

  /** Forget what is known of the reviews. */
  reviewed(): void {
    delete this.known.other;
  }

  /** Apply limits; only changed dimensions are computed.  Return whether anything changed. */
  apply(limits: Limits): boolean {
    const { events } = this;
    let changed = this.dimension("place", PLACE, [limits.x, limits.y], limits.x !== null || limits.y !== null, () => {
      const [x0, x1] = limits.x ?? [-Infinity, Infinity];
      const [y0, y1] = limits.y ?? [-Infinity, Infinity];
      const { x, y } = events;
      return (i) => x[i] >= x0 && x[i] <= x1 && y[i] >= y0 && y[i] <= y1;
    });
    for (const [name, bit] of [["depth", DEPTH], ["time", TIME], ["magnitude", MAGNITUDE]] as const) {
      changed = this.range(name, bit, limits[name]) || changed;
    }
    changed = this.dimension("hidden", HIDDEN, limits.rejected, !limits.rejected, () => (i) => events.rejected[i] === 0) || changed;
    changed = this.other(limits) || changed;
    if (changed) this.count();
    return changed;
  }

  private range(name: "depth" | "time" | "magnitude", bit: number, range: [number, number] | null): boolean {
    const values = this.events[name];
    return this.dimension(name, bit, range, range !== null, () => {
      const [low, high] = range!;
      return (i) => values[i] >= low && values[i] <= high;
    });
  }

  private other(limits: Limits): boolean {
    const { gap, rms, phases, stations, quality, review } = limits;
    const own = [gap, rms, phases, stations, quality, review];
    const isSet = gap < Infinity || rms < Infinity || phases > 0 || stations > 0 || quality !== null || review !== null;
    return this.dimension("other", OTHER, own, isSet, () => {
      const e = this.events;
      const classes = quality && new Set(quality);
      const states = review && new Set(review);
      return (i) =>
        !(e.gap[i] > gap) && !(e.rms[i] > rms) && !(e.phases[i] < phases) && !(e.stations[i] < stations) &&
        (!classes || classes.has(e.quality[i])) && (!states || states.has(e.review[i]));
    });
  }

  private dimension(name: string, bit: number, state: unknown, isSet: boolean, test: () => (i: number) => boolean): boolean {
    const key = JSON.stringify(state, (_, v) => (typeof v === "number" && !Number.isFinite(v) ? String(v) : v));
    if (this.known[name] === key) return false;
    this.known[name] = key;
    const { bits } = this;
    if (isSet) {
      const passes = test();
      for (let i = 0; i < bits.length; i++) bits[i] = passes(i) ? bits[i] & ~bit : bits[i] | bit;
    } else {
      for (let i = 0; i < bits.length; i++) bits[i] &= ~bit;
    }
    return true;
  }

  private count(): void {
    let [selected, hidden] = [0, 0];
    const { bits } = this;
    for (let i = 0; i < bits.length; i++) {
      if (bits[i] === 0) selected++;
      else if (bits[i] & HIDDEN) hidden++;
    }
    this.selected = selected;
    this.total = bits.length - hidden;
  }

  /** Rows of the selected events, in the order of time. */
  rows(): Uint32Array<ArrayBuffer> {
    const rows = new Uint32Array(this.selected);
    let at = 0;
    for (let i = 0; i < this.bits.length; i++) if (this.bits[i] === 0) rows[at++] = i;
    return rows;
  }
}
