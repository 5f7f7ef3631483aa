// What is selected, and how the address of the page says it.

export type Range = [number, number];

export interface Filter {
  time: Range | null;
  latitude: Range | null;
  longitude: Range | null;
  depth: Range | null;
  magnitude: Range | null;
  quality: string;
  gap: number | null;
  rms: number | null;
  phases: number | null;
  stations: number | null;
  rejected: boolean;
  review: string;
}

export const EVERYTHING: Filter = {
  time: null, latitude: null, longitude: null, depth: null, magnitude: null, quality: "",
  gap: null, rms: null, phases: null, stations: null, rejected: false, review: "",
};

const RANGES = ["latitude", "longitude", "depth", "magnitude"] as const;
const LIMITS = ["gap", "rms", "phases", "stations"] as const;

/** `time=2014-08-23T00:00:00Z..2014-09-01T00:00:00Z&depth=0..10&gap=180`. */
export function formatFilter(filter: Filter): URLSearchParams {
  const found = new URLSearchParams();
  if (filter.time) found.set("time", filter.time.map(timeText).join(".."));
  for (const name of RANGES) if (filter[name]) found.set(name, filter[name]!.map(numberText).join(".."));
  for (const name of LIMITS) if (filter[name] !== null) found.set(name, numberText(filter[name]!));
  if (filter.quality) found.set("quality", filter.quality);
  if (filter.rejected) found.set("rejected", "1");
  if (filter.review) found.set("review", filter.review);
  return found;
}

/** What cannot be read is ignored. */
export function parseFilter(given: URLSearchParams): Filter {
  const filter: Filter = { ...EVERYTHING };
  filter.time = rangeOf(given.get("time"), (text) => parseTime(text));
  for (const name of RANGES) filter[name] = rangeOf(given.get(name), numberOf);
  for (const name of LIMITS) {
    const value = numberOf(given.get(name) ?? "");
    filter[name] = Number.isFinite(value) ? value : null;
  }
  filter.quality = (given.get("quality") ?? "").slice(0, 64);
  filter.rejected = given.get("rejected") === "1";
  filter.review = (given.get("review") ?? "").slice(0, 16);
  return filter;
}

function rangeOf(text: string | null, read: (text: string) => number): Range | null {
  if (!text || !text.includes("..")) return null;
  const at = text.indexOf("..");
  const [low, high] = [text.slice(0, at), text.slice(at + 2)];
  const range: Range = [low ? read(low) : -Infinity, high ? read(high) : Infinity];
  return Number.isNaN(range[0]) || Number.isNaN(range[1]) || range[0] > range[1] ? null : range;
}

function numberOf(text: string): number {
  return /^-?\d*\.?\d+(e-?\d+)?$/i.test(text) ? Number(text) : NaN;
}

function numberText(value: number): string {
  return Number.isFinite(value) ? String(Number(value.toPrecision(9))) : "";
}

export function timeText(seconds: number): string {
  if (!Number.isFinite(seconds)) return "";
  const text = new Date(Math.round(seconds * 1000)).toISOString();
  return text.replace(/\.000Z$/, "Z").replace(/T00:00:00Z$/, "");
}

/** A UTC date or time, as ISO 8601 or as year and day of year (2014.235); NaN if it is neither. */
export function parseTime(text: string): number {
  const ordinal = /^(\d{4})\.(\d{3})$/.exec(text.trim());
  if (ordinal) return Date.UTC(Number(ordinal[1]), 0, Number(ordinal[2])) / 1000;
  const normal = text.trim().replace(" ", "T");
  if (!/^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d+)?)?Z?)?$/.test(normal)) return NaN;
  const zoned = normal.length === 10 ? `${normal}T00:00Z` : normal.endsWith("Z") ? normal : `${normal}Z`;
  return Date.parse(zoned) / 1000;
}
