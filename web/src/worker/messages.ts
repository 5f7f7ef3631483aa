// What the page and its worker say to each other.

/** The events, in the order of time; each array has one value per event. */
export interface EventArrays {
  x: Float32Array;
  y: Float32Array;
  time: Float64Array;
  depth: Float32Array;
  magnitude: Float32Array;
  gap: Float32Array;
  rms: Float32Array;
  phases: Float32Array;
  stations: Float32Array;
  quality: Int16Array;
  rejected: Uint8Array;
  /** 1 if the depth is fixed, not found. */
  fixed: Uint8Array;
  review: Uint8Array;
}

export interface Look {
  /** Index into the palette, per event. */
  color: Uint8Array;
  /** Radius in CSS pixels, per event. */
  radius: Uint8Array;
  /** 256 colours, little-endian RGBA. */
  palette: Uint32Array;
  /** Colour of events with a fixed depth; null where colours do not show the depth. */
  unknown: number | null;
  /** Outline of a symbol, and the colour of what is not selected. */
  ink: number;
  dim: number;
}

export interface Limits {
  x: [number, number] | null;
  y: [number, number] | null;
  time: [number, number] | null;
  depth: [number, number] | null;
  magnitude: [number, number] | null;
  gap: number;
  rms: number;
  phases: number;
  stations: number;
  /** Allowed codes of the quality class; null: all. */
  quality: number[] | null;
  rejected: boolean;
  /** Allowed states of the review; null: all. */
  review: number[] | null;
}

interface Size {
  width: number;
  height: number;
  ratio: number;
}

export interface MapPanel extends Size {
  kind: "map";
  sx: number;
  sy: number;
  ox: number;
  oy: number;
}

export interface SectionPanel extends Size {
  kind: "section";
  cx: number;
  cy: number;
  ux: number;
  uy: number;
  /** True km per km of the projection. */
  scale: number;
  half: number;
  length: number;
  sx: number;
  ox: number;
  sy: number;
  oy: number;
}

export interface SizePanel extends Size {
  kind: "magnitude";
  /** What is drawn over time. */
  field: "magnitude" | "depth";
  t0: number;
  sx: number;
  sy: number;
  oy: number;
}

export type Panel = MapPanel | SectionPanel | SizePanel;

export interface Bins {
  start: number;
  width: number;
  count: number;
}

export type SortKey = "time" | "depth" | "magnitude" | "gap" | "rms" | "phases" | "stations" | "quality" | "latitude" | "longitude";

export type Request =
  | { type: "events"; events: EventArrays; look: Look }
  | { type: "look"; look: Look }
  | { type: "review"; row: number; value: number }
  | { type: "draw"; id: number; limits: Limits; panels: Record<string, Panel>; bins: Bins | null; fast: boolean }
  | { type: "rows"; id: number; limits: Limits; key: SortKey; descending: boolean }
  | { type: "nearest"; id: number; limits: Limits; panel: string; u: number; v: number; radius: number };

export interface Image {
  bitmap: ImageBitmap;
  panel: Panel;
  /** Selected events that are not drawn because their depth is fixed. */
  left: number;
}

export interface Drawn {
  type: "drawn";
  id: number;
  images: Record<string, Image>;
  counts: { bins: Bins; all: Uint32Array; selected: Uint32Array; before: number } | null;
  selected: number;
  total: number;
  ms: number;
}

export type Answer = Drawn | { type: "rows"; id: number; rows: Uint32Array } | { type: "nearest"; id: number; row: number };
