// Small charts as SVG: axes with titles, lines, bars and symbols.
import { h, svg, type Child } from "./dom";
import { count, numberTicks, timeTicks, type Tick } from "./scales";
import type { Range } from "./filter";

export interface Axis {
  range: Range;
  title: string;
  /** Ticks in place of the usual numbers. */
  ticks?: Tick[];
  /** Whether values are seconds since 1970. */
  time?: boolean;
}

const LEFT = 52;
const RIGHT = 14;
const TOP = 10;
const BOTTOM = 38;

export class Chart {
  readonly element: HTMLElement;
  readonly root: SVGElement;
  private static numbers = 0;
  private readonly clip = `clip${Chart.numbers++}`;
  private readonly layer: SVGElement;

  readonly width: number;

  /** A chart is as wide as the screen at most, so that its letters keep their size; `right` is the margin there. */
  constructor(title: string, widest: number, readonly height: number, readonly x: Axis, readonly y: Axis, private readonly right = RIGHT) {
    const width = Math.min(widest, Math.max(300, document.documentElement.clientWidth - 50));
    this.width = width;
    this.layer = svg("g", { "clip-path": `url(#${this.clip})` });
    this.root = svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": title, class: "chart" },
      svg("clipPath", { id: this.clip }, svg("rect", { x: LEFT, y: TOP - 4, width: width - LEFT - right, height: height - TOP - BOTTOM + 4 })),
      ...this.axes(), this.layer);
    this.element = h("figure", { class: "figure" }, h("figcaption", {}, title), this.root);
    this.element.style.flex = `${width} 1 ${width >= 600 ? 700 : Math.min(width, 480)}px`;
    this.element.style.maxWidth = `${Math.round(1.4 * width)}px`;
  }

  px(value: number): number {
    const [low, high] = this.x.range;
    return LEFT + ((value - low) / (high - low || 1)) * (this.width - LEFT - this.right);
  }

  py(value: number): number {
    const [low, high] = this.y.range;
    return this.height - BOTTOM - ((value - low) / (high - low || 1)) * (this.height - TOP - BOTTOM);
  }

  private axes(): SVGElement[] {
    const { width, height, x, y, right } = this;
    const bottom = height - BOTTOM;
    const made: SVGElement[] = [];
    const inside = (v: number, [a, b]: Range) => v >= Math.min(a, b) - 1e-9 && v <= Math.max(a, b) + 1e-9;
    const times = x.time ? timeTicks(x.range[0], x.range[1], (width - LEFT) / 95) : undefined;
    for (const { value, label } of x.ticks ?? times ?? numberTicks(Math.min(...x.range), Math.max(...x.range), (width - LEFT) / 70)) {
      if (!inside(value, x.range)) continue;
      made.push(svg("line", { class: "grid", x1: this.px(value), x2: this.px(value), y1: TOP, y2: bottom }));
      made.push(svg("text", { x: this.px(value), y: bottom + 14, "text-anchor": "middle" }, label));
    }
    for (const { value, label } of y.ticks ?? numberTicks(Math.min(...y.range), Math.max(...y.range), (height - BOTTOM) / 34)) {
      if (!inside(value, y.range)) continue;
      made.push(svg("line", { class: "grid", x1: LEFT, x2: width - right, y1: this.py(value), y2: this.py(value) }));
      made.push(svg("text", { x: LEFT - 5, y: this.py(value) + 4, "text-anchor": "end" }, label));
    }
    made.push(svg("rect", { class: "frame", x: LEFT, y: TOP, width: width - LEFT - right, height: bottom - TOP }));
    made.push(svg("text", { x: (LEFT + width - right) / 2, y: height - 6, "text-anchor": "middle" }, x.title));
    made.push(svg("text", { x: -(TOP + bottom) / 2, y: 11, "text-anchor": "middle", transform: "rotate(-90)" }, y.title));
    return made;
  }

  add(...children: SVGElement[]): this {
    this.layer.append(...children);
    return this;
  }

  /** Labels may reach beyond the frame. */
  outside(...children: SVGElement[]): this {
    this.root.append(...children);
    return this;
  }

  line(points: [number, number][], className: string): this {
    const known = points.filter(([x, y]) => Number.isFinite(x) && Number.isFinite(y));
    const path = known.map(([x, y], i) => `${i ? "L" : "M"}${this.px(x).toFixed(1)} ${this.py(y).toFixed(1)}`).join("");
    return this.add(svg("path", { class: className, d: path, fill: "none" }));
  }

  /** A closed curve, filled as its class says. */
  area(points: [number, number][], className: string): this {
    const corners = points.map(([x, y]) => `${this.px(x).toFixed(1)},${this.py(y).toFixed(1)}`);
    return this.add(svg("polygon", { class: className, points: corners.join(" ") }));
  }

  dots(points: [number, number][], className: string, radius = 3, titles: string[] = []): this {
    points.forEach(([x, y], i) => {
      if (!Number.isFinite(x) || !Number.isFinite(y)) return;
      this.add(svg("circle", { class: className, cx: this.px(x).toFixed(1), cy: this.py(y).toFixed(1), r: radius },
        titles[i] ? svg("title", {}, titles[i]) : null));
    });
    return this;
  }

  /** Many points as one element. */
  cloud(points: [number, number][], className: string): this {
    const path = points.map(([x, y]) => `M${this.px(x).toFixed(1)} ${this.py(y).toFixed(1)}h0`).join("");
    return this.add(svg("path", { class: className, d: path, fill: "none", "stroke-linecap": "round" }));
  }

  bars(edges: number[], counts: ArrayLike<number>, className: string): this {
    for (let i = 0; i < counts.length; i++) {
      if (!counts[i]) continue;
      const [a, b] = [this.px(edges[i]), this.px(edges[i + 1])];
      this.add(svg("rect", { class: className, x: a.toFixed(1), width: Math.max(b - a - (b - a > 4 ? 1 : 0), 0.5).toFixed(1),
        y: this.py(counts[i]).toFixed(1), height: Math.max(this.py(0) - this.py(counts[i]), 0).toFixed(1) },
        svg("title", {}, `${edges[i]} to ${edges[i + 1]}: ${counts[i]}`)));
    }
    return this;
  }
}

export interface Histogram {
  edges: number[];
  counts: number[];
}

export function histogram(values: Iterable<number>, low: number, high: number, bins: number): Histogram {
  const width = (high - low) / bins;
  const counts = new Array<number>(bins).fill(0);
  for (const value of values) {
    if (Number.isNaN(value)) continue;
    const bin = Math.floor((value - low) / width);
    if (bin >= 0 && (bin < bins || value === high)) counts[Math.min(bin, bins - 1)]++;
  }
  return { edges: Array.from({ length: bins + 1 }, (_, i) => Number((low + i * width).toPrecision(8))), counts };
}

export function histogramChart(title: string, xTitle: string, found: Histogram, note = ""): HTMLElement {
  const most = Math.max(1, ...found.counts);
  const chart = new Chart(title, 380, 210, { range: [found.edges[0], found.edges[found.edges.length - 1]], title: xTitle }, { range: [0, most * 1.05], title: "Events" });
  chart.bars(found.edges, found.counts, "bars");
  if (note) chart.element.append(h("p", { class: "note" }, note));
  return chart.element;
}

/** Numbers of P and S picks by confidence, in bins from 0 to 1. */
export function confidenceChart(title: string, p: number[], s: number[]): HTMLElement {
  const bins = Math.max(p.length, s.length);
  const chart = new Chart(title, 380, 210, { range: [0, 1], title: "Confidence" }, { range: [0, Math.max(1, ...p, ...s) * 1.05], title: "Picks" });
  const step = (counts: number[]): [number, number][] => counts.flatMap((n, i): [number, number][] => [[i / bins, n], [(i + 1) / bins, n]]);
  chart.line(step(p), "curve p").line(step(s), "curve s");
  const sum = (counts: number[]) => count(counts.reduce((a, b) => a + b, 0));
  chart.element.append(h("p", { class: "note" }, h("span", { class: "p" }, `\u25cf P: ${sum(p)} `), h("span", { class: "s" }, `\u25cf S: ${sum(s)}`)));
  return chart.element;
}

/** A table; columns of numbers are flush right, others left. */
export function table(head: string[], rows: Child[][], label: string): HTMLElement {
  const side = head.map((_, i) => (rows.every((cells) => isNumber(cells[i])) ? undefined : "text"));
  return h("div", { class: "table", role: "region", tabindex: 0, "aria-label": label },
    h("table", {}, h("thead", {}, h("tr", {}, ...head.map((text, i) => h("th", { scope: "col", class: side[i] }, text)))),
      h("tbody", {}, ...rows.map((cells) => h("tr", {}, ...cells.map((cell, i) => h("td", { class: side[i] }, cell)))))));
}

/** Whether a cell is a number, one with its spread such as "0.12 (0.03)", or empty. */
function isNumber(cell: Child): boolean {
  return typeof cell === "number" || cell === null || (typeof cell === "string" && /^[\u2212-]?[\d,.]*( \([\d.]+\))?$/.test(cell));
}

export function facts(rows: [string, Child][]): HTMLElement {
  return h("dl", { class: "facts" }, ...rows.filter(([, value]) => value !== "" && value !== null).flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]));
}

export function minus(value: number, decimals: number): string {
  if (!Number.isFinite(value)) return "";
  const text = value.toFixed(decimals);
  return /^-0(\.0*)?$/.test(text) ? text.slice(1) : text.replace("-", "\u2212");
}
