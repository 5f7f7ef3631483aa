// A depth section through the box of the map: along A-A' or along B-B'.
import { Surface, h } from "./dom";
import { leftOut, numberTicks, withMinus } from "./scales";
import type { App } from "./app";
import type { Drawn, Image, SectionPanel } from "./worker/messages";

const MARGIN = { left: 46, right: 12, top: 22, bottom: 34 };

export class SectionView {
  readonly element: HTMLElement;
  private readonly surface = new Surface();
  private image: Image | null = null;
  private start: number | null = null;
  private moved = false;

  constructor(private readonly app: App, private readonly name: "A" | "B") {
    this.element = h("div", { class: "plot section", tabindex: 0, role: "group", "aria-label": `Depth section ${name}. Up and down arrows move the lower limit of depth, Shift with arrows the upper one; Escape clears.` }, this.surface.element);
    this.listen();
  }

  private get range(): [number, number] {
    const [low, high] = this.app.catalog.depths;
    const top = Math.min(0, low);
    return [top, Math.max(high + 0.03 * (high - top), top + 1)];
  }

  private get length(): number {
    return this.name === "A" ? this.app.section.length : this.app.section.width;
  }

  panel(): SectionPanel {
    this.surface.fit();
    const { width, height, ratio } = this.surface;
    const { cx, cy, azimuth, scale } = this.app.section;
    const direction = ((azimuth + (this.name === "A" ? 0 : 90)) * Math.PI) / 180;
    const [w, t] = [width - MARGIN.left - MARGIN.right, height - MARGIN.top - MARGIN.bottom];
    const [top, bottom] = this.range;
    const sx = (w * ratio) / this.length;
    const sy = (t * ratio) / (bottom - top);
    return {
      kind: "section", width: Math.max(1, Math.round(w * ratio)), height: Math.max(1, Math.round(t * ratio)), ratio,
      cx, cy, ux: Math.sin(direction), uy: Math.cos(direction), scale,
      half: (this.name === "A" ? this.app.section.width : this.app.section.length) / 2, length: this.length,
      sx, ox: (w * ratio) / 2, sy, oy: -top * sy,
    };
  }

  show(drawn: Drawn): void {
    const image = drawn.images[`section${this.name}`];
    if (!image) return;
    this.image?.bitmap.close();
    this.image = image;
  }

  draw(): void {
    this.surface.fit();
    const context = this.surface.clear();
    const { theme, filter } = this.app;
    const { width, height } = this.surface;
    const [x0, x1, y0, y1] = [MARGIN.left, width - MARGIN.right, MARGIN.top, height - MARGIN.bottom];
    const [top, bottom] = this.range;
    const y = (depth: number) => y0 + ((depth - top) / (bottom - top)) * (y1 - y0);
    const x = (along: number) => x0 + ((along + this.length / 2) / this.length) * (x1 - x0);
    this.drawAxes(context, x, y);
    if (this.image) context.drawImage(this.image.bitmap, x0, y0, x1 - x0, y1 - y0);
    if (filter.depth) {
      const [low, high] = filter.depth.map((d) => Math.min(Math.max(y(d), y0), y1));
      context.strokeStyle = theme.accent;
      context.lineWidth = 1.5;
      context.strokeRect(x0, low, x1 - x0, high - low);
    }
  }

  /** What the section says of events that it leaves out. */
  get leftOut(): string {
    return leftOut(this.image?.left ?? 0);
  }

  private drawAxes(context: CanvasRenderingContext2D, x: (v: number) => number, y: (v: number) => number): void {
    const { theme } = this.app;
    const { width, height } = this.surface;
    const [x0, x1, y0, y1] = [MARGIN.left, width - MARGIN.right, MARGIN.top, height - MARGIN.bottom];
    const [top, bottom] = this.range;
    context.font = "11px system-ui, sans-serif";
    context.lineWidth = 1;
    context.strokeStyle = theme.grid;
    context.fillStyle = theme.soft;
    context.textAlign = "right";
    context.textBaseline = "middle";
    context.beginPath();
    for (const tick of numberTicks(top, bottom, (y1 - y0) / 34)) {
      context.moveTo(x0, y(tick.value));
      context.lineTo(x1, y(tick.value));
      context.fillText(tick.label, x0 - 5, y(tick.value));
    }
    context.textAlign = "center";
    context.textBaseline = "top";
    for (const tick of numberTicks(-this.length / 2, this.length / 2, (x1 - x0) / 60)) {
      context.moveTo(x(tick.value), y0);
      context.lineTo(x(tick.value), y1);
      context.fillText(tick.label, x(tick.value), y1 + 4);
    }
    context.stroke();
    context.strokeRect(x0, y0, x1 - x0, y1 - y0);
    const title = ["Distance from the center (km)", this.leftOut].filter(Boolean).join("; ");
    context.fillText(title, (x0 + x1) / 2, height - 14, x1 - x0);
    context.save();
    context.translate(10, (y0 + y1) / 2);
    context.rotate(-Math.PI / 2);
    context.fillText("Depth (km)", 0, -4);
    context.restore();
    context.fillStyle = theme.ink;
    context.font = "bold 12px system-ui, sans-serif";
    context.textBaseline = "bottom";
    context.textAlign = "left";
    context.fillText(this.name, x0, y0 - 4);
    context.textAlign = "right";
    context.fillText(`${this.name}\u2032`, x1, y0 - 4);
    const stretch = ((y1 - y0) / (bottom - top)) / ((x1 - x0) / this.length);
    context.font = "11px system-ui, sans-serif";
    context.fillStyle = theme.soft;
    context.textAlign = "center";
    const azimuth = Math.round(this.app.section.azimuth + (this.name === "A" ? 0 : 90)) % 360;
    context.fillText(`azimuth ${azimuth}°, vertical exaggeration ${withMinus(stretch >= 10 ? stretch.toFixed(0) : stretch.toPrecision(2))}`, (x0 + x1) / 2, y0 - 5);
  }

  private depthAt(event: MouseEvent): number {
    const box = this.surface.element.getBoundingClientRect();
    const [top, bottom] = this.range;
    const share = (event.clientY - box.top - MARGIN.top) / (this.surface.height - MARGIN.top - MARGIN.bottom);
    return Math.round((top + Math.min(Math.max(share, 0), 1) * (bottom - top)) * 100) / 100;
  }

  private listen(): void {
    const target = this.surface.element;
    target.addEventListener("pointerdown", (event) => {
      target.setPointerCapture(event.pointerId);
      this.start = this.depthAt(event);
      this.moved = false;
    });
    target.addEventListener("pointermove", (event) => {
      if (this.start === null) return;
      const depth = this.depthAt(event);
      if (!this.moved && Math.abs(depth - this.start) < 0.01 * (this.range[1] - this.range[0])) return;
      this.moved = true;
      this.app.setFilter({ depth: [Math.min(this.start, depth), Math.max(this.start, depth)] }, true);
    });
    target.addEventListener("pointerup", (event) => {
      this.start = null;
      if (!this.moved) void this.openAt(event);
      this.app.changed();
    });
    target.addEventListener("dblclick", () => this.app.setFilter({ depth: null }));
    this.element.addEventListener("keydown", (event) => this.key(event));
  }

  private async openAt(event: PointerEvent): Promise<void> {
    const box = this.surface.element.getBoundingClientRect();
    const { ratio } = this.surface;
    const [u, v] = [(event.clientX - box.left - MARGIN.left) * ratio, (event.clientY - box.top - MARGIN.top) * ratio];
    const row = await this.app.painter.nearest(this.app.limits(), `section${this.name}`, u, v, 8 * ratio);
    if (row >= 0) this.app.openEvent(row);
  }

  private key(event: KeyboardEvent): void {
    if (event.key === "Escape") this.app.setFilter({ depth: null });
    if (event.key !== "ArrowUp" && event.key !== "ArrowDown") return;
    event.preventDefault();
    const [top, bottom] = this.range;
    const step = ((bottom - top) / 25) * (event.key === "ArrowUp" ? -1 : 1);
    const [low, high] = this.app.filter.depth ?? [top, bottom];
    const round = (v: number) => Math.round(Math.min(Math.max(v, top), bottom) * 100) / 100;
    const range: [number, number] = event.shiftKey ? [round(Math.min(low + step, high)), high] : [low, round(Math.max(high + step, low))];
    this.app.setFilter({ depth: range }, true);
  }
}
