// Answers the requests of the page; the same in a worker and, where there is none, in the page.
import type { Answer, Bins, EventArrays, Image, Look, Request, SortKey } from "./messages";
import { Raster } from "./raster";
import { HIDDEN, Selection, TIME } from "./selection";

const NOTHING = { time: new Float64Array(0) } as EventArrays;

export class Plotter {
  private events: EventArrays = NOTHING;
  private look: Look | null = null;
  private selection = new Selection(NOTHING);
  private rasters = new Map<string, Raster>();

  answer(request: Request): Answer | null {
    switch (request.type) {
      case "events":
        this.events = request.events;
        this.look = request.look;
        this.selection = new Selection(request.events);
        this.rasters.clear();
        return null;
      case "look":
        this.look = request.look;
        return null;
      case "review":
        this.events.review[request.row] = request.value;
        this.selection.reviewed();
        return null;
      case "draw":
        return this.draw(request);
      case "rows":
        this.selection.apply(request.limits);
        return { type: "rows", id: request.id, rows: this.sorted(request.key, request.descending) };
      case "nearest": {
        const { u, v, radius } = request;
        this.selection.apply(request.limits);
        const row = this.rasters.get(request.panel)?.nearest(this.selection, u, v, radius) ?? -1;
        return { type: "nearest", id: request.id, row };
      }
    }
  }

  private draw(request: Extract<Request, { type: "draw" }>): Answer {
    const begin = performance.now();
    this.selection.apply(request.limits);
    const images: Record<string, Image> = {};
    for (const [name, panel] of Object.entries(request.panels)) {
      const raster = this.rasters.get(name) ?? new Raster(this.events);
      this.rasters.set(name, raster);
      images[name] = { bitmap: raster.draw(panel, this.selection, this.look!, request.fast), panel, left: raster.left(this.selection) };
    }
    const counts = request.bins && this.counts(request.bins);
    const { selected, total } = this.selection;
    return { type: "drawn", id: request.id, images, counts, selected, total, ms: performance.now() - begin };
  }

  private counts(bins: Bins) {
    const all = new Uint32Array(bins.count);
    const selected = new Uint32Array(bins.count);
    let before = 0;
    const { time } = this.events;
    const { bits } = this.selection;
    const rest = HIDDEN | (63 & ~TIME);
    for (let i = 0; i < time.length; i++) {
      if (bits[i] & rest) continue;
      const bin = Math.floor((time[i] - bins.start) / bins.width);
      const isSelected = bits[i] === 0;
      if (bin < 0) before += isSelected ? 1 : 0;
      else if (bin < bins.count) {
        all[bin]++;
        if (isSelected) selected[bin]++;
      }
    }
    return { bins, all, selected, before };
  }

  private sorted(key: SortKey, descending: boolean): Uint32Array {
    const rows = this.selection.rows();
    if (key !== "time") {
      const values = this.values(key);
      const sign = descending ? -1 : 1;
      // Unknown values come last in either direction.
      const keys = Float64Array.from(values, (v) => (Number.isNaN(v) ? Infinity : sign * v));
      rows.sort((a, b) => keys[a] - keys[b] || a - b);
    } else if (descending) rows.reverse();
    return rows;
  }

  private values(key: SortKey): ArrayLike<number> & Iterable<number> {
    if (key === "latitude") return this.events.y;
    if (key === "longitude") return this.events.x;
    return this.events[key];
  }
}

/** Buffers that move to the other side instead of being copied. */
export function transfers(answer: Answer): Transferable[] {
  if (answer.type === "drawn") {
    const counts = answer.counts ? [answer.counts.all.buffer, answer.counts.selected.buffer] : [];
    return [...Object.values(answer.images).map((image) => image.bitmap), ...counts] as Transferable[];
  }
  return answer.type === "rows" ? [answer.rows.buffer as ArrayBuffer] : [];
}
