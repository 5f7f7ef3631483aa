// The events of the page and what is derived from them.
import { Columns } from "./columns";
import { Projection } from "./projection";
import { dimPixel, inkPixel, paletteOf, unknownPixel, type Theme } from "./palette";
import type { EventArrays, Limits, Look } from "./worker/messages";
import type { Filter, Range } from "./filter";

export interface Station {
  name: string;
  ids: string[];
  latitude: number;
  longitude: number;
  elevation_m: number;
  channels: string;
}

export type ColorBy = "depth" | "time" | "magnitude";
export const REVIEWS = ["none", "accepted", "rejected", "stale"];

export class Catalog {
  readonly arrays: EventArrays;
  readonly id: (row: number) => string;
  readonly length: number;
  readonly hasMagnitudes: boolean;
  readonly depths: Range;
  readonly times: Range;
  readonly magnitudes: Range;
  private rows: Map<string, number> | null = null;

  constructor(readonly columns: Columns, readonly projection: Projection) {
    this.length = columns.length;
    this.id = columns.text("event_id");
    this.arrays = arraysOf(columns, projection);
    const { depth, time, magnitude } = this.arrays;
    this.depths = extremes(depth, [0, 10]);
    this.times = this.length ? [time[0], time[this.length - 1]] : [0, 86400];
    this.magnitudes = extremes(magnitude, [0, 1]);
    let known = 0;
    for (let i = 0; i < this.length; i++) if (!Number.isNaN(magnitude[i])) known++;
    this.hasMagnitudes = known > 0;
  }

  /** The row of an event; undefined if the page does not have it. */
  rowOf(id: string): number | undefined {
    if (!this.rows) {
      this.rows = new Map();
      for (let i = 0; i < this.length; i++) this.rows.set(this.id(i), i);
    }
    return this.rows.get(id);
  }

  value(name: string, row: number): number {
    return this.columns.number(name)[row];
  }

  rangeOf(by: ColorBy): Range {
    return by === "depth" ? this.depths : by === "time" ? this.times : this.magnitudes;
  }

  look(theme: Theme, by: ColorBy): Look {
    const values = this.arrays[by];
    const [low, high] = this.rangeOf(by);
    const color = new Uint8Array(this.length);
    const radius = new Uint8Array(this.length);
    const { magnitude } = this.arrays;
    const [smallest, largest] = this.magnitudes;
    const plain = this.length < 500 ? 4 : 3;
    for (let i = 0; i < this.length; i++) {
      color[i] = Math.min(255, Math.max(0, (255 * (values[i] - low)) / (high - low || 1)));
      radius[i] = Number.isNaN(magnitude[i]) ? plain : symbolRadius(magnitude[i], smallest, largest);
    }
    return { color, radius, palette: paletteOf(theme), ink: inkPixel(theme), dim: dimPixel(theme), unknown: by === "depth" ? unknownPixel(theme) : null };
  }

  limits(filter: Filter): Limits {
    const { projection } = this;
    const classes = sortedTexts(this.columns.codes("quality").texts);
    return {
      x: rounded(filter.longitude && filter.longitude.map((v) => (Number.isFinite(v) ? projection.x(projection.near(v)) : v)) as Range),
      y: rounded(filter.latitude && filter.latitude.map((v) => (Number.isFinite(v) ? projection.y(v) : v)) as Range),
      time: filter.time,
      depth: rounded(filter.depth),
      magnitude: rounded(filter.magnitude),
      gap: Math.fround(filter.gap ?? Infinity),
      rms: Math.fround(filter.rms ?? Infinity),
      phases: filter.phases ?? 0,
      stations: filter.stations ?? 0,
      quality: filter.quality ? filter.quality.split(",").map((name) => classes.indexOf(name)) : null,
      rejected: filter.rejected,
      review: filter.review ? filter.review.split(",").map((name) => REVIEWS.indexOf(name)) : null,
    };
  }
}

/** Limits with the precision of the events' values, so that 0.7 is not above a magnitude of 0.7. */
function rounded(range: Range | null): Range | null {
  return range && (range.map(Math.fround) as Range);
}

/** Radii grow with magnitude: 2 to 12 pixels over the magnitudes of the catalog, at most 2.2 a unit. */
export function symbolRadius(magnitude: number, smallest: number, largest: number): number {
  const perUnit = Math.min(2.2, 10 / Math.max(largest - smallest, 1));
  return Math.round(2 + perUnit * Math.max(0, magnitude - smallest));
}

export function sortedTexts(texts: string[]): string[] {
  return [...texts].sort();
}

function extremes(values: Float32Array, fallback: Range): Range {
  let [low, high] = [Infinity, -Infinity];
  for (let i = 0; i < values.length; i++) {
    if (values[i] < low) low = values[i];
    if (values[i] > high) high = values[i];
  }
  return low <= high ? [low, high] : fallback;
}

function arraysOf(columns: Columns, projection: Projection): EventArrays {
  const n = columns.length;
  const [latitude, longitude] = [columns.number("latitude"), columns.number("longitude")];
  const [x, y] = [new Float32Array(n), new Float32Array(n)];
  const [p, s] = [columns.number("n_p"), columns.number("n_s")];
  const phases = new Float32Array(n);
  const rejected = new Uint8Array(n);
  const fixed = Uint8Array.from(columns.number("depth_fixed"), (v) => (v === 1 ? 1 : 0));
  const why = columns.codes("rejected");
  const empty = why.texts.indexOf("");
  for (let i = 0; i < n; i++) {
    x[i] = projection.x(projection.near(longitude[i]));
    y[i] = projection.y(latitude[i]);
    phases[i] = p[i] + s[i];
    rejected[i] = why.codes[i] >= 0 && why.codes[i] !== empty ? 1 : 0;
  }
  const numbers = (name: string) => columns.number(name) as Float32Array;
  return {
    x, y, phases, rejected, fixed,
    time: columns.number("time") as Float64Array,
    depth: numbers("depth_km"),
    magnitude: numbers("magnitude"),
    gap: numbers("gap_deg"),
    rms: numbers("rms_s"),
    stations: numbers("n_stations"),
    quality: alphabetical(columns),
    review: new Uint8Array(n),
  };
}

/** Codes of the quality class in alphabetical order, so that they sort as their letters. */
function alphabetical(columns: Columns): Int16Array {
  const { codes, texts } = columns.codes("quality");
  const order = sortedTexts(texts);
  const places = texts.map((text) => order.indexOf(text));
  return codes.map((code) => (code < 0 ? 999 : places[code]));
}
