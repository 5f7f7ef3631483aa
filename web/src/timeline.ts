// Counts and magnitudes over time, on one axis: drag to select, wheel to zoom.
import { Surface, h } from "./dom";
import { count, leftOut, niceAbove, numberTicks, timeTicks } from "./scales";
import { colorAt, css } from "./palette";
import type { App } from "./app";
import type { Bins, Drawn, Image, SizePanel } from "./worker/messages";
import type { Range } from "./filter";

const LEFT = 54;
const RIGHT = 58;
const TOP = 20;
const GAP = 26;
const BOTTOM = 24;
const DAY = 86400;
const WIDTHS: [number, string][] = [
  [60, "minute"], [600, "10 minutes"], [3600, "hour"], [6 * 3600, "6 hours"], [DAY, "day"],
  [7 * DAY, "7 days"], [30 * DAY, "30 days"], [365 * DAY, "365 days"], [3650 * DAY, "3650 days"],
];

export class Timeline {
  readonly element: HTMLElement;
  private readonly surface = new Surface();
  private image: (Image & { panel: SizePanel }) | null = null;
  private counts: Drawn["counts"] = null;
  private range: Range = [0, 1];
  private full: Range = [0, 1];
  private start: { time: number; size: number | null } | null = null;
  private moved = false;

  constructor(private readonly app: App) {
    this.element = h("div", { class: "plot timeline", tabindex: 0, role: "group", "aria-label": "Number of events and magnitudes over time. Left and right arrows move the selected span, plus and minus zoom, Escape clears." }, this.surface.element);
    this.listen();
  }

  reset(): void {
    const [low, high] = this.app.catalog.times;
    const margin = Math.max((high - low) * 0.01, 60);
    this.full = [low - margin, high + margin];
    this.range = this.full;
  }

  /** Magnitudes, or depths if the catalog has none. */
  private get field(): "magnitude" | "depth" {
    return this.app.catalog.hasMagnitudes ? "magnitude" : "depth";
  }

  private get sizes(): Range {
    const { catalog } = this.app;
    const [low, high] = this.field === "depth" ? catalog.depths : catalog.magnitudes;
    const margin = Math.max((high - low) * 0.06, 0.1);
    return this.field === "depth" ? [high + margin, Math.min(low, 0) - margin] : [low - margin, high + margin];
  }

  private layout() {
    const { width, height } = this.surface;
    const inner = height - TOP - GAP - BOTTOM;
    const split = TOP + Math.round(inner * 0.48);
    return { x0: LEFT, x1: width - RIGHT, counts: [TOP, split] as Range, sizes: [split + GAP, height - BOTTOM] as Range };
  }

  bins(): Bins {
    const { x0, x1 } = this.layout();
    const [low, high] = this.range;
    // At least three pixels wide, and wider for few events.
    const most = Math.min(Math.max(x1 - x0, 50) / 3, Math.max(30, 3 * Math.sqrt(this.app.catalog.length)));
    const shortest = (high - low) / most;
    const [width] = WIDTHS.find(([w]) => w >= shortest) ?? WIDTHS[WIDTHS.length - 1];
    const start = Math.floor(low / width) * width;
    return { start, width, count: Math.ceil((high - start) / width) };
  }

  panel(): SizePanel {
    this.surface.fit();
    const { x0, x1, sizes } = this.layout();
    const { ratio } = this.surface;
    const [low, high] = this.sizes;
    const [w, t] = [Math.max(1, Math.round((x1 - x0) * ratio)), Math.max(1, Math.round((sizes[1] - sizes[0]) * ratio))];
    const sy = -t / (high - low);
    return { kind: "magnitude", field: this.field, width: w, height: t, ratio, t0: this.range[0], sx: w / (this.range[1] - this.range[0]), sy, oy: t - low * sy };
  }

  show(drawn: Drawn): void {
    if (drawn.counts) this.counts = drawn.counts;
    if (!drawn.images.magnitude) return;
    this.image?.bitmap.close();
    this.image = drawn.images.magnitude as Image & { panel: SizePanel };
  }

  private x(time: number): number {
    const { x0, x1 } = this.layout();
    return x0 + ((time - this.range[0]) / (this.range[1] - this.range[0])) * (x1 - x0);
  }

  draw(): void {
    this.surface.fit();
    const context = this.surface.clear();
    context.font = "11px system-ui, sans-serif";
    context.lineWidth = 1;
    this.drawTimeAxis(context);
    this.drawCounts(context);
    this.drawSizes(context);
    this.drawBrush(context);
  }

  private drawTimeAxis(context: CanvasRenderingContext2D): void {
    const { theme } = this.app;
    const { x0, x1, counts, sizes } = this.layout();
    context.strokeStyle = theme.grid;
    context.fillStyle = theme.soft;
    context.textAlign = "center";
    context.textBaseline = "top";
    context.beginPath();
    for (const tick of timeTicks(this.range[0], this.range[1], (x1 - x0) / 110)) {
      const x = this.x(tick.value);
      for (const [top, bottom] of [counts, sizes]) { context.moveTo(x, top); context.lineTo(x, bottom); }
      if (x > x0 + 18 && x < x1 - 18) context.fillText(tick.label, x, sizes[1] + 5);
    }
    context.stroke();
    for (const [top, bottom] of [counts, sizes]) context.strokeRect(x0, top, x1 - x0, bottom - top);
  }

  private drawCounts(context: CanvasRenderingContext2D): void {
    const { theme } = this.app;
    const { x0, x1, counts: [top, bottom] } = this.layout();
    if (!this.counts) return;
    const { bins, all, selected, before } = this.counts;
    const most = Math.max(1, all.reduce((a, b) => Math.max(a, b), 0));
    const high = niceAbove(most);
    const y = (n: number) => bottom - (n / high) * (bottom - top);
    context.save();
    context.beginPath();
    context.rect(x0, top, x1 - x0, bottom - top);
    context.clip();
    for (const [values, color] of [[all, theme.barsDim], [selected, theme.bars]] as const) {
      context.fillStyle = color;
      for (let i = 0; i < bins.count; i++) {
        if (!values[i]) continue;
        const [a, b] = [this.x(bins.start + i * bins.width), this.x(bins.start + (i + 1) * bins.width)];
        context.fillRect(a, y(values[i]), Math.max(b - a - (b - a > 4 ? 1 : 0), 1), bottom - y(values[i]));
      }
    }
    const total = selected.reduce((a, b) => a + b, before);
    const scale = niceAbove(Math.max(total, 1));
    const at = (n: number) => bottom - (n / scale) * (bottom - top);
    context.beginPath();
    context.moveTo(x0, at(before));
    let sum = before;
    selected.forEach((n, i) => {
      sum += n;
      context.lineTo(this.x(bins.start + (i + 1) * bins.width), at(sum));
    });
    context.strokeStyle = theme.accent;
    context.lineWidth = 1.8;
    context.stroke();
    context.lineWidth = 1;
    context.restore();
    context.textBaseline = "middle";
    context.fillStyle = theme.soft;
    context.textAlign = "right";
    for (const tick of numberTicks(0, high, 4)) if (Number.isInteger(tick.value)) context.fillText(count(tick.value), x0 - 5, y(tick.value));
    context.textAlign = "left";
    context.fillStyle = theme.accent;
    for (const tick of numberTicks(0, scale, 4)) if (Number.isInteger(tick.value)) context.fillText(count(tick.value), x1 + 5, at(tick.value));
    const unit = WIDTHS.find(([w]) => w === bins.width)![1];
    context.textBaseline = "bottom";
    context.fillStyle = theme.bars;
    context.textAlign = "left";
    context.fillText(`Events per ${unit}`, x0, top - 4);
    context.fillStyle = theme.accent;
    context.textAlign = "right";
    context.fillText("Cumulative", x1, top - 4);
  }

  private drawSizes(context: CanvasRenderingContext2D): void {
    const { theme } = this.app;
    const { x0, x1, sizes: [top, bottom] } = this.layout();
    const [low, high] = this.sizes;
    context.fillStyle = theme.soft;
    context.textAlign = "right";
    context.textBaseline = "middle";
    for (const tick of numberTicks(Math.min(low, high), Math.max(low, high), (bottom - top) / 26)) {
      context.fillText(tick.label, x0 - 5, bottom - ((tick.value - low) / (high - low)) * (bottom - top));
    }
    context.textAlign = "left";
    context.textBaseline = "bottom";
    context.fillText(this.title, x0, top - 4);
    if (!this.image) return;
    const { bitmap, panel } = this.image;
    // The picture may be of another range of time, until the worker has drawn this one.
    const from = this.x(panel.t0);
    const width = (panel.width / panel.sx / (this.range[1] - this.range[0])) * (x1 - x0);
    context.save();
    context.beginPath();
    context.rect(x0, top, x1 - x0, bottom - top);
    context.clip();
    context.drawImage(bitmap, from, top, width, bottom - top);
    context.restore();
  }

  get title(): string {
    if (this.field !== "depth") return "Magnitude";
    const left = leftOut(this.image?.left ?? 0);
    return `Depth (km): the catalog has no magnitudes${left && `; ${left}`}`;
  }

  private drawBrush(context: CanvasRenderingContext2D): void {
    const { theme, filter } = this.app;
    const { x0, x1, counts, sizes } = this.layout();
    const own = this.field === "depth" ? filter.depth : filter.magnitude;
    if (!filter.time && !own) return;
    const clamp = (v: number, a: number, b: number) => Math.min(Math.max(v, a), b);
    const [a, b] = (filter.time ?? this.range).map((t) => clamp(this.x(t), x0, x1));
    context.strokeStyle = theme.accent;
    context.lineWidth = 1.5;
    if (filter.time) context.strokeRect(a, counts[0], b - a, counts[1] - counts[0]);
    const [low, high] = this.sizes;
    const y = (v: number) => clamp(sizes[1] - ((v - low) / (high - low)) * (sizes[1] - sizes[0]), sizes[0], sizes[1]);
    const [c, d] = own ? [y(own[0]), y(own[1])] : sizes;
    context.strokeRect(a, Math.min(c, d), b - a, Math.abs(d - c));
  }

  private at(event: MouseEvent): { time: number; size: number | null } {
    const box = this.surface.element.getBoundingClientRect();
    const { x0, x1, sizes } = this.layout();
    const share = Math.min(Math.max((event.clientX - box.left - x0) / (x1 - x0), 0), 1);
    const time = Math.round(this.range[0] + share * (this.range[1] - this.range[0]));
    const v = event.clientY - box.top;
    if (v < sizes[0] - GAP / 2 && !this.start?.size) return { time, size: null };
    const [low, high] = this.sizes;
    const value = low + ((sizes[1] - Math.min(Math.max(v, sizes[0]), sizes[1])) / (sizes[1] - sizes[0])) * (high - low);
    return { time, size: Math.round(value * 100) / 100 };
  }

  private listen(): void {
    const target = this.surface.element;
    target.addEventListener("pointerdown", (event) => {
      target.setPointerCapture(event.pointerId);
      this.start = this.at(event);
      this.moved = false;
    });
    target.addEventListener("pointermove", (event) => this.move(event));
    target.addEventListener("pointerup", (event) => {
      this.start = null;
      if (!this.moved) void this.openAt(event);
      this.app.changed();
    });
    target.addEventListener("dblclick", () => {
      this.range = this.full;
      this.app.setFilter({ time: null, [this.field]: null });
    });
    target.addEventListener("wheel", (event) => {
      event.preventDefault();
      this.zoom(Math.exp(event.deltaY * 0.0016), this.at(event).time);
    }, { passive: false });
    this.element.addEventListener("keydown", (event) => this.key(event));
  }

  private move(event: PointerEvent): void {
    if (!this.start) return;
    const now = this.at(event);
    if (!this.moved && Math.abs(this.x(now.time) - this.x(this.start.time)) < 3) return;
    this.moved = true;
    const time: Range = [Math.min(now.time, this.start.time), Math.max(now.time, this.start.time)];
    if (this.start.size === null || now.size === null) this.app.setFilter({ time }, true);
    else this.app.setFilter({ time, [this.field]: [Math.min(now.size, this.start.size), Math.max(now.size, this.start.size)] }, true);
  }

  private async openAt(event: PointerEvent): Promise<void> {
    const box = this.surface.element.getBoundingClientRect();
    const { x0, sizes } = this.layout();
    const { ratio } = this.surface;
    const [u, v] = [event.clientX - box.left - x0, event.clientY - box.top - sizes[0]];
    const row = v < 0 ? -1 : await this.app.painter.nearest(this.app.limits(), "magnitude", u * ratio, v * ratio, 8 * ratio);
    if (row >= 0) this.app.openEvent(row);
  }

  private zoom(factor: number, around: number): void {
    const [low, high] = this.range;
    const width = Math.min(Math.max((high - low) * factor, 60), this.full[1] - this.full[0]);
    let start = around - ((around - low) / (high - low)) * width;
    start = Math.min(Math.max(start, this.full[0]), this.full[1] - width);
    this.range = [start, start + width];
    this.app.changed(true);
  }

  private key(event: KeyboardEvent): void {
    const [low, high] = this.range;
    const middle = this.app.filter.time ? (this.app.filter.time[0] + this.app.filter.time[1]) / 2 : (low + high) / 2;
    if (event.key === "+" || event.key === "=") this.zoom(1 / 1.5, middle);
    else if (event.key === "-") this.zoom(1.5, middle);
    else if (event.key === "Escape") this.app.setFilter({ time: null, [this.field]: null });
    else if (event.key === "ArrowLeft" || event.key === "ArrowRight") {
      const step = ((high - low) / 50) * (event.key === "ArrowLeft" ? -1 : 1);
      const [a, b] = this.app.filter.time ?? [low + (high - low) * 0.45, low + (high - low) * 0.55];
      const time: Range = event.shiftKey ? [a, Math.max(b + step, a + Math.abs(step) / 10)] : [a + step, b + step];
      this.app.setFilter({ time: time.map(Math.round) as Range }, true);
    } else return;
    event.preventDefault();
  }
}

/** The colour scale with its title and limits. */
export function colorBar(app: App): HTMLElement {
  const [low, high] = app.catalog.rangeOf(app.colorBy);
  const stops = Array.from({ length: 11 }, (_, i) => css(colorAt(app.theme, i / 10))).join(",");
  const text = (v: number) => (app.colorBy === "time" ? new Date(v * 1000).toISOString().slice(0, 10) : v.toFixed(app.colorBy === "depth" ? 0 : 1).replace("-", "\u2212"));
  const bar = h("span", { class: "bar" });
  bar.style.background = `linear-gradient(to right, ${stops})`;
  const unit = app.colorBy === "depth" ? " km" : "";
  return h("span", { class: "colorbar" }, h("span", {}, text(low)), bar, h("span", {}, `${text(high)}${unit}`));
}
