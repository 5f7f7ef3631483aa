// Events as pixels: one raster per panel, drawn without WebGL.
import type { EventArrays, Look, Panel } from "./messages";
import { DEPTH, HIDDEN, MAGNITUDE, PLACE, TIME, type Selection } from "./selection";

/** What a brush in the panel changes: there, events outside of it are dimmed rather than left out. */
function ownBits(panel: Panel): number {
  if (panel.kind === "map") return PLACE;
  return panel.kind === "section" ? DEPTH : TIME | (panel.field === "depth" ? DEPTH : MAGNITUDE);
}

const MOST_SYMBOLS = 20_000;
const FAST_DOTS = 250_000;
const OUTSIDE = -1;
/** Inside of a panel of depths, and without a depth that was found. */
const UNKNOWN = -2;

export class Raster {
  private canvas: OffscreenCanvas | null = null;
  private image: ImageData | null = null;
  private pixels = new Uint32Array(0);
  /** Pixel of each event, row * width + column; negative if it is not drawn. */
  private readonly at: Int32Array;
  private placed = "";
  private panel: Panel | null = null;

  constructor(private readonly events: EventArrays) {
    this.at = new Int32Array(events.time.length);
  }

  draw(panel: Panel, selection: Selection, look: Look, fast: boolean): ImageBitmap {
    this.resize(panel);
    this.place(panel);
    this.pixels.fill(0);
    const own = ownBits(panel);
    if (selection.selected > MOST_SYMBOLS) this.dots(panel, selection, look, own, fast);
    else this.symbols(panel, selection, look, own);
    const context = this.canvas!.getContext("2d")!;
    context.putImageData(this.image!, 0, 0);
    return this.canvas!.transferToImageBitmap();
  }

  /** The selected event nearest to a pixel, within a radius; -1 if there is none. */
  nearest(selection: Selection, u: number, v: number, radius: number): number {
    if (!this.panel) return -1;
    const { at } = this;
    const width = this.panel.width;
    let [best, row] = [radius * radius, -1];
    for (let i = 0; i < at.length; i++) {
      if (at[i] < 0 || selection.bits[i] !== 0) continue;
      const y = Math.floor(at[i] / width);
      const distance = (at[i] - y * width - u) ** 2 + (y - v) ** 2;
      if (distance <= best) [best, row] = [distance, i];
    }
    return row;
  }

  /** Number of selected events that are not drawn because their depth is fixed. */
  left(selection: Selection): number {
    if (this.panel?.kind === "map") return 0;
    let found = 0;
    for (let i = 0; i < this.at.length; i++) if (this.at[i] === UNKNOWN && selection.bits[i] === 0) found++;
    return found;
  }

  private resize({ width, height }: Panel): void {
    if (this.image?.width === width && this.image.height === height) return;
    this.canvas = new OffscreenCanvas(width, height);
    this.image = this.canvas.getContext("2d")!.createImageData(width, height);
    this.pixels = new Uint32Array(this.image.data.buffer);
  }

  private place(panel: Panel): void {
    const key = JSON.stringify(panel);
    if (key === this.placed) return;
    this.placed = key;
    this.panel = panel;
    if (panel.kind === "map") this.placeOnMap(panel);
    else if (panel.kind === "section") this.placeInSection(panel);
    else this.placeInTime(panel);
  }

  private placeOnMap(panel: Extract<Panel, { kind: "map" }>): void {
    const { sx, sy, ox, oy, width, height } = panel;
    const { x, y } = this.events;
    const [right, below] = [width - 4, height - 4];
    for (let i = 0; i < x.length; i++) {
      const u = x[i] * sx + ox;
      const v = y[i] * sy + oy;
      this.at[i] = u >= 0 && v >= 0 && u < right && v < below ? (v | 0) * width + (u | 0) : OUTSIDE;
    }
  }

  private placeInSection(panel: Extract<Panel, { kind: "section" }>): void {
    const { cx, cy, scale, half, sx, sy, ox, oy, width, height } = panel;
    const [ux, uy] = [panel.ux * scale, panel.uy * scale];
    const { x, y, depth, fixed } = this.events;
    const [right, below, end] = [width - 4, height - 4, panel.length / 2];
    for (let i = 0; i < x.length; i++) {
      const [a, b] = [x[i] - cx, y[i] - cy];
      const along = a * ux + b * uy;
      const across = b * ux - a * uy;
      const u = along * sx + ox;
      const v = depth[i] * sy + oy;
      const inside = across >= -half && across <= half && along >= -end && along <= end;
      if (inside && fixed[i]) this.at[i] = UNKNOWN;
      else this.at[i] = inside && u >= 0 && v >= 0 && u < right && v < below ? (v | 0) * width + (u | 0) : OUTSIDE;
    }
  }

  private placeInTime(panel: Extract<Panel, { kind: "magnitude" }>): void {
    const { t0, sx, sy, oy, width, height } = panel;
    const { time, fixed } = this.events;
    const values = this.events[panel.field];
    const isDepth = panel.field === "depth";
    const [right, below] = [width - 4, height - 4];
    for (let i = 0; i < time.length; i++) {
      const u = (time[i] - t0) * sx;
      const v = values[i] * sy + oy;
      if (isDepth && fixed[i]) this.at[i] = u >= 0 && u < right ? UNKNOWN : OUTSIDE;
      else this.at[i] = u >= 0 && v >= 0 && u < right && v < below ? (v | 0) * width + (u | 0) : OUTSIDE;
    }
  }

  /** Squares of two CSS pixels; while something moves, every n-th event. */
  private dots(panel: Panel, selection: Selection, look: Look, own: number, fast: boolean): void {
    const { at, pixels } = this;
    const { bits } = selection;
    const { dim } = look;
    const color = this.colors(look);
    const { width } = panel;
    const side = Math.max(2, Math.round(1.5 * panel.ratio));
    const step = fast ? Math.max(1, Math.ceil(at.length / FAST_DOTS)) : 1;
    const rest = HIDDEN | (63 & ~own);
    const dot = side === 2
      ? (p: number, c: number) => {
          pixels[p] = pixels[p + 1] = pixels[p + width] = pixels[p + width + 1] = c;
        }
      : (p: number, c: number) => {
          for (let k = 0; k < side; k++, p += width) pixels.fill(c, p, p + side);
        };
    for (let i = 0; i < at.length; i += step) if (at[i] >= 0 && bits[i] !== 0 && (bits[i] & rest) === 0) dot(at[i], dim);
    for (let i = 0; i < at.length; i += step) if (at[i] >= 0 && bits[i] === 0) dot(at[i], color(i));
  }

  /** Discs with an outline, the large ones below the small ones. */
  private symbols(panel: Panel, selection: Selection, look: Look, own: number): void {
    const { at } = this;
    const { bits } = selection;
    const rest = HIDDEN | (63 & ~own);
    const dimmed: number[] = [];
    const chosen: number[] = [];
    for (let i = 0; i < at.length; i++) {
      if (at[i] < 0) continue;
      if (bits[i] === 0) chosen.push(i);
      else if ((bits[i] & rest) === 0) dimmed.push(i);
    }
    const { radius, ink, unknown } = look;
    const color = this.colors(look);
    const { gap, fixed } = this.events;
    for (const i of dimmed) this.disc(panel, at[i], Math.min(radius[i], 3), look.dim, look.dim, false);
    chosen.sort((a, b) => radius[b] - radius[a] || a - b);
    for (const i of chosen) this.disc(panel, at[i], radius[i], color(i), ink, gap[i] > 180 || (unknown !== null && fixed[i] === 1));
  }

  private colors({ color, palette, unknown }: Look): (i: number) => number {
    const { fixed } = this.events;
    return unknown === null ? (i) => palette[color[i]] : (i) => (fixed[i] ? unknown : palette[color[i]]);
  }

  private disc(panel: Panel, at: number, radius: number, fill: number, ink: number, open: boolean): void {
    const { width, height, ratio } = panel;
    const { pixels } = this;
    const v0 = Math.floor(at / width);
    const u0 = at - v0 * width;
    const r = radius * ratio;
    const reach = Math.ceil(r);
    const [outer, inner] = [(r + 0.25) ** 2, (r - (open ? 1.4 : 0.8) * ratio) ** 2];
    for (let dv = -reach; dv <= reach; dv++) {
      const v = v0 + dv;
      if (v < 0 || v >= height) continue;
      for (let du = -reach; du <= reach; du++) {
        const d = du * du + dv * dv;
        const u = u0 + du;
        if (d > outer || u < 0 || u >= width) continue;
        const isRim = d > inner || r < 1;
        if (open) {
          if (isRim) pixels[v * width + u] = fill;
        } else pixels[v * width + u] = isRim && r >= 3 ? ink : fill;
      }
    }
  }
}
