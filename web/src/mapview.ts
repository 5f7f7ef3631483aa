// The map: land, graticule, events, stations, the box of the sections; pan, zoom and a box to select.
import { Surface, h } from "./dom";
import { degreeTicks, niceAbove } from "./scales";
import type { App } from "./app";
import type { Drawn, MapPanel } from "./worker/messages";
import { Tiles } from "./tiles";

export interface LandPart {
  box: [number, number, number, number];
  /** Degrees of one step. */
  unit: number;
  /** Lines: the first point, then the steps from point to point. */
  polygons: number[][];
  coasts: number[][];
}

export interface Basemap {
  world: LandPart;
  region: LandPart;
  overlay: { name: string; line: number[] }[];
}

interface Paths {
  land: Path2D;
  coast: Path2D;
  box: [number, number, number, number];
}

type Drag =
  | { kind: "pan"; x: number; y: number }
  | { kind: "box"; x: number; y: number }
  | { kind: "end"; end: 1 | -1 }
  | { kind: "width" };

const HANDLE = 7;

export class MapView {
  readonly element: HTMLElement;
  private readonly base = new Surface();
  private readonly top = new Surface();
  private readonly tip = h("div", { class: "tip", hidden: true });
  private readonly boxButton: HTMLButtonElement;
  private scale = 1;
  private cx = 0;
  private cy = 0;
  private home = { scale: 1, cx: 0, cy: 0 };
  private image: { bitmap: ImageBitmap; panel: MapPanel } | null = null;
  private paths: { world: Paths; region: Paths; overlay: Path2D } | null = null;
  private baseKey = "";
  private drag: Drag | null = null;
  private pointers = new Map<number, { x: number; y: number }>();
  private box: [number, number, number, number] | null = null;
  private boxing = false;
  private moved = 0;
  private readonly tiles: Tiles | null;

  constructor(private readonly app: App) {
    this.tiles = app.source.config.tiles ? new Tiles(app.source.config.tiles, () => this.redrawBase()) : null;
    this.boxButton = h("button", { type: "button", "aria-pressed": "false", title: "Select a box: drag on the map (or hold Shift)", onclick: () => this.setBoxing(!this.boxing) }, "\u25a2");
    const buttons = h("div", { class: "tools" },
      h("button", { type: "button", title: "Zoom in (+)", onclick: () => this.zoom(2) }, "+"),
      h("button", { type: "button", title: "Zoom out (-)", onclick: () => this.zoom(0.5) }, "\u2212"),
      h("button", { type: "button", title: "Show all (0)", onclick: () => this.reset() }, "\u2922"),
      this.boxButton,
    );
    this.element = h("div", { class: "plot map", tabindex: 0, role: "group", "aria-label": "Map of events and stations. Arrow keys pan, plus and minus zoom, 0 shows all, Enter opens the event nearest to the center." },
      this.base.element, this.top.element, buttons, this.tip);
    this.listen();
  }

  setBasemap(basemap: Basemap): void {
    const { projection } = this.app.catalog;
    const path = (lines: number[][], close: boolean): Path2D => {
      const made = new Path2D();
      for (const line of lines) {
        for (let i = 0; i < line.length; i += 2) {
          const [x, y] = [projection.x(line[i]), projection.y(line[i + 1])];
          if (i) made.lineTo(x, y);
          else made.moveTo(x, y);
        }
        if (close) made.closePath();
      }
      return made;
    };
    const degrees = (land: LandPart, line: number[]) => {
      const at = [0, 0];
      return line.map((step, i) => (at[i % 2] += step) * land.unit);
    };
    const part = (land: LandPart): Paths => {
      const [polygons, coasts] = [land.polygons, land.coasts].map((lines) => lines.map((line) => degrees(land, line)));
      return { land: path(polygons, true), coast: path(coasts, false), box: land.box };
    };
    const overlay = path(basemap.overlay.map(({ line }) => line.map((v, i) => (i % 2 ? v : projection.near(v)))), false);
    this.paths = { world: part(basemap.world), region: part(basemap.region), overlay };
    this.redrawBase();
  }

  /** Show a box of degrees. */
  setHome([west, south, east, north]: [number, number, number, number]): void {
    const { projection } = this.app.catalog;
    this.fit();
    const [x0, x1, y0, y1] = [projection.x(west), projection.x(east), projection.y(south), projection.y(north)];
    const scale = Math.min(this.top.width / (x1 - x0), this.top.height / (y1 - y0));
    this.home = { scale, cx: (x0 + x1) / 2, cy: (y0 + y1) / 2 };
    this.reset();
  }

  /** Show the part of the earth that another map of the same projection shows. */
  adopt(other: MapView): void {
    this.fit();
    this.home = other.home;
    [this.scale, this.cx, this.cy] = [other.scale, other.cx, other.cy];
  }

  reset(): void {
    Object.assign(this, this.home);
    this.app.changed();
  }

  fit(): void {
    const changed = [this.base.fit(), this.top.fit()];
    if (changed.some(Boolean)) this.baseKey = "";
  }

  panel(): MapPanel {
    this.fit();
    const { ratio, width, height } = this.top;
    const s = this.scale * ratio;
    return {
      kind: "map", width: Math.round(width * ratio), height: Math.round(height * ratio), ratio,
      sx: s, sy: -s, ox: (width / 2) * ratio - this.cx * s, oy: (height / 2) * ratio + this.cy * s,
    };
  }

  show(drawn: Drawn): void {
    const image = drawn.images.map;
    if (!image) return;
    this.image?.bitmap.close();
    this.image = image as { bitmap: ImageBitmap; panel: MapPanel };
  }

  draw(): void {
    this.fit();
    this.drawBase();
    const context = this.top.clear();
    this.drawImage(context);
    this.drawSectionBox(context);
    this.drawStations(context);
    this.drawSelected(context);
    this.drawScaleBar(context);
    this.drawLabels(context);
  }

  private toScreen(x: number, y: number): [number, number] {
    return [this.top.width / 2 + (x - this.cx) * this.scale, this.top.height / 2 - (y - this.cy) * this.scale];
  }

  private toWorld(u: number, v: number): [number, number] {
    return [this.cx + (u - this.top.width / 2) / this.scale, this.cy - (v - this.top.height / 2) / this.scale];
  }

  private redrawBase(): void {
    this.baseKey = "";
    this.app.redraw();
  }

  private drawBase(): void {
    const { theme } = this.app;
    const key = [theme.name, this.scale, this.cx, this.cy].join();
    if (key === this.baseKey) return;
    this.baseKey = key;
    const context = this.base.clear();
    const { width, height, ratio } = this.base;
    context.fillStyle = theme.sea;
    context.fillRect(0, 0, width, height);
    if (this.paths) {
      const part = this.isInside(this.paths.region) ? this.paths.region : this.paths.world;
      const s = this.scale * ratio;
      context.setTransform(s, 0, 0, -s, (width / 2) * ratio - this.cx * s, (height / 2) * ratio + this.cy * s);
      context.fillStyle = theme.land;
      context.fill(part.land, "evenodd");
      context.lineWidth = 0.8 / this.scale;
      context.strokeStyle = theme.coast;
      context.stroke(part.coast);
      context.setTransform(ratio, 0, 0, ratio, 0, 0);
    }
    this.tiles?.draw(context, this.app.catalog.projection, { cx: this.cx, cy: this.cy, scale: this.scale, width, height });
    if (this.paths) {
      const s = this.scale * ratio;
      context.setTransform(s, 0, 0, -s, (width / 2) * ratio - this.cx * s, (height / 2) * ratio + this.cy * s);
      context.lineWidth = 1.2 / this.scale;
      context.strokeStyle = theme.overlay;
      context.stroke(this.paths.overlay);
      context.setTransform(ratio, 0, 0, ratio, 0, 0);
    }
    this.drawGraticule(context);
  }

  private isInside({ box }: Paths): boolean {
    const { projection } = this.app.catalog;
    const [x0, y1] = this.toWorld(0, 0);
    const [x1, y0] = this.toWorld(this.base.width, this.base.height);
    return projection.longitudeAt(x0) >= box[0] && projection.longitudeAt(x1) <= box[2] && projection.latitudeAt(y0) >= box[1] && projection.latitudeAt(y1) <= box[3];
  }

  private ticks() {
    const { projection } = this.app.catalog;
    const [x0, y1] = this.toWorld(0, 0);
    const [x1, y0] = this.toWorld(this.base.width, this.base.height);
    const east = degreeTicks(projection.longitudeAt(x0), projection.longitudeAt(x1), this.base.width / 110, "EW");
    const north = degreeTicks(Math.max(-84.9, projection.latitudeAt(y0)), Math.min(84.9, projection.latitudeAt(y1)), this.base.height / 90, "NS");
    return {
      east: east.map((tick) => ({ label: tick.label, at: this.toScreen(projection.x(tick.value), 0)[0] })),
      north: north.map((tick) => ({ label: tick.label, at: this.toScreen(0, projection.y(tick.value))[1] })),
    };
  }

  private drawGraticule(context: CanvasRenderingContext2D): void {
    const { width, height } = this.base;
    const { east, north } = this.ticks();
    context.strokeStyle = this.app.theme.grid;
    context.lineWidth = 1;
    context.beginPath();
    for (const { at } of east) { context.moveTo(at, 0); context.lineTo(at, height); }
    for (const { at } of north) { context.moveTo(0, at); context.lineTo(width, at); }
    context.stroke();
  }

  private drawLabels(context: CanvasRenderingContext2D): void {
    const { width, height } = this.top;
    const { east, north } = this.ticks();
    context.font = "11px system-ui, sans-serif";
    context.fillStyle = this.app.theme.soft;
    context.textBaseline = "bottom";
    context.textAlign = "center";
    for (const { at, label } of east) if (at > 70 && at < width - 40) this.haloed(context, label, at, height - 3);
    context.textAlign = "left";
    context.textBaseline = "middle";
    for (const { at, label } of north) if (at > 20 && at < height - 46) this.haloed(context, label, 4, at);
  }

  private haloed(context: CanvasRenderingContext2D, text: string, x: number, y: number): void {
    context.lineWidth = 3;
    context.strokeStyle = this.app.theme.land;
    context.strokeText(text, x, y);
    context.fillText(text, x, y);
  }

  private drawImage(context: CanvasRenderingContext2D): void {
    if (!this.image) return;
    const { bitmap, panel } = this.image;
    const s = (this.scale * this.top.ratio) / panel.sx;
    const now = this.panel();
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.drawImage(bitmap, now.ox - panel.ox * s, now.oy - panel.oy * s, panel.width * s, panel.height * s);
    context.setTransform(this.top.ratio, 0, 0, this.top.ratio, 0, 0);
  }

  private drawStations(context: CanvasRenderingContext2D): void {
    const { projection } = this.app.catalog;
    const { stations, theme } = this.app;
    const size = stations.length > 300 ? 3 : stations.length > 60 ? 4 : 5;
    context.fillStyle = theme.station;
    context.strokeStyle = theme.paper;
    context.lineWidth = 1;
    context.font = "10px system-ui, sans-serif";
    context.textAlign = "left";
    context.textBaseline = "middle";
    const labelled = stations.length * (this.home.scale / this.scale) ** 2 <= 40;
    for (const station of stations) {
      const [u, v] = this.toScreen(projection.x(projection.near(station.longitude)), projection.y(station.latitude));
      if (u < -9 || v < -9 || u > this.top.width + 9 || v > this.top.height + 9) continue;
      context.beginPath();
      context.moveTo(u, v - size);
      context.lineTo(u + size * 0.9, v + size * 0.7);
      context.lineTo(u - size * 0.9, v + size * 0.7);
      context.closePath();
      context.stroke();
      context.fill();
      if (labelled) this.haloed(context, station.name, u + size + 2, v);
      context.strokeStyle = theme.paper;
    }
  }

  private drawSelected(context: CanvasRenderingContext2D): void {
    const { theme, filter, catalog } = this.app;
    context.strokeStyle = theme.accent;
    context.lineWidth = 1.5;
    if (this.box) context.strokeRect(this.box[0], this.box[1], this.box[2] - this.box[0], this.box[3] - this.box[1]);
    else if (filter.latitude || filter.longitude) {
      const limits = catalog.limits(filter);
      const [x0, x1] = limits.x ?? [-1e6, 1e6];
      const [y0, y1] = limits.y ?? [-1e6, 1e6];
      const [a, b] = [this.toScreen(Math.max(x0, -1e6), Math.min(y1, 1e6)), this.toScreen(Math.min(x1, 1e6), Math.max(y0, -1e6))];
      context.strokeRect(a[0], a[1], b[0] - a[0], b[1] - a[1]);
    }
  }

  private corners(): { ends: [number, number][]; sides: [number, number][]; corners: [number, number][] } {
    const { cx, cy, azimuth, length, width, scale } = this.app.section;
    const [ux, uy] = [Math.sin((azimuth * Math.PI) / 180), Math.cos((azimuth * Math.PI) / 180)];
    const [l, w] = [length / 2 / scale, width / 2 / scale];
    const at = (a: number, b: number) => this.toScreen(cx + a * ux + b * uy, cy + a * uy - b * ux);
    return { ends: [at(-l, 0), at(l, 0)], sides: [at(0, -w), at(0, w)], corners: [at(-l, -w), at(l, -w), at(l, w), at(-l, w)] };
  }

  private drawSectionBox(context: CanvasRenderingContext2D): void {
    const { theme } = this.app;
    const { ends, sides, corners } = this.corners();
    context.strokeStyle = theme.ink;
    context.lineWidth = 1;
    context.globalAlpha = 0.55;
    context.setLineDash([4, 4]);
    context.beginPath();
    corners.forEach(([u, v], i) => (i ? context.lineTo(u, v) : context.moveTo(u, v)));
    context.closePath();
    context.stroke();
    context.setLineDash([]);
    context.beginPath();
    context.moveTo(...ends[0]);
    context.lineTo(...ends[1]);
    context.moveTo(...sides[0]);
    context.lineTo(...sides[1]);
    context.stroke();
    context.globalAlpha = 1;
    context.font = "bold 11px system-ui, sans-serif";
    context.textAlign = "center";
    context.textBaseline = "middle";
    [...ends, ...sides].forEach(([u, v], i) => {
      context.beginPath();
      context.arc(u, v, HANDLE + 1, 0, 2 * Math.PI);
      context.fillStyle = theme.paper;
      context.fill();
      context.stroke();
      context.fillStyle = theme.ink;
      context.fillText(["A", "A\u2032", "B", "B\u2032"][i], u, v + 0.5);
    });
  }

  private drawScaleBar(context: CanvasRenderingContext2D): void {
    const { theme, catalog } = this.app;
    const { height } = this.top;
    const truth = catalog.projection.trueScale(this.cy);
    const km = niceAbove((110 * truth) / this.scale / 2);
    const length = (km / truth) * this.scale;
    const [x, y] = [14, height - 24];
    context.lineWidth = 4;
    context.strokeStyle = theme.land;
    context.strokeRect(x, y, length, 0);
    context.lineWidth = 2;
    context.strokeStyle = theme.ink;
    context.beginPath();
    context.moveTo(x, y - 4);
    context.lineTo(x, y);
    context.lineTo(x + length, y);
    context.lineTo(x + length, y - 4);
    context.stroke();
    context.font = "11px system-ui, sans-serif";
    context.fillStyle = theme.ink;
    context.textAlign = "left";
    context.textBaseline = "bottom";
    this.haloed(context, km >= 1 ? `${km} km` : `${Math.round(km * 1000)} m`, x + 4, y - 3);
  }

  private zoom(factor: number, u = this.top.width / 2, v = this.top.height / 2): void {
    const [x, y] = this.toWorld(u, v);
    this.scale = Math.min(Math.max(this.scale * factor, this.home.scale / 4000), this.home.scale * 20000);
    this.cx = x - (u - this.top.width / 2) / this.scale;
    this.cy = y + (v - this.top.height / 2) / this.scale;
    this.app.changed(true);
  }

  private pan(du: number, dv: number): void {
    this.cx -= du / this.scale;
    this.cy += dv / this.scale;
    this.app.changed(true);
  }

  private setBoxing(on: boolean): void {
    this.boxing = on;
    this.boxButton.setAttribute("aria-pressed", String(on));
    this.element.classList.toggle("boxing", on);
  }

  private listen(): void {
    const target = this.top.element;
    target.addEventListener("wheel", (event) => {
      event.preventDefault();
      const [u, v] = this.point(event);
      this.zoom(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0016)), u, v);
    }, { passive: false });
    target.addEventListener("pointerdown", (event) => this.down(event));
    target.addEventListener("pointermove", (event) => this.move(event));
    target.addEventListener("pointerup", (event) => this.up(event));
    target.addEventListener("pointercancel", (event) => { this.pointers.delete(event.pointerId); this.drag = null; this.box = null; });
    target.addEventListener("pointerleave", () => this.hideTip());
    target.addEventListener("dblclick", (event) => this.zoom(2, ...this.point(event)));
    this.element.addEventListener("keydown", (event) => this.key(event));
  }

  private point(event: MouseEvent): [number, number] {
    const box = this.top.element.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }

  private down(event: PointerEvent): void {
    this.top.element.setPointerCapture(event.pointerId);
    const [x, y] = this.point(event);
    this.pointers.set(event.pointerId, { x, y });
    this.moved = 0;
    this.hideTip();
    const { ends, sides } = this.corners();
    const close = ([u, v]: [number, number]) => Math.hypot(u - x, v - y) <= HANDLE + 5;
    if (event.shiftKey || this.boxing) this.drag = { kind: "box", x, y };
    else if (ends.some(close)) this.drag = { kind: "end", end: close(ends[1]) ? 1 : -1 };
    else if (sides.some(close)) this.drag = { kind: "width" };
    else this.drag = { kind: "pan", x, y };
  }

  private move(event: PointerEvent): void {
    const [x, y] = this.point(event);
    const before = this.pointers.get(event.pointerId);
    if (!before) {
      this.hover(x, y);
      return;
    }
    this.moved += Math.hypot(x - before.x, y - before.y);
    if (this.pointers.size === 2) {
      const other = [...this.pointers.entries()].find(([id]) => id !== event.pointerId)![1];
      const factor = Math.hypot(x - other.x, y - other.y) / Math.max(Math.hypot(before.x - other.x, before.y - other.y), 1);
      this.pan((x - before.x) / 2, (y - before.y) / 2);
      this.zoom(factor, (x + other.x) / 2, (y + other.y) / 2);
    } else if (this.drag) this.dragTo(this.drag, x, y, before);
    this.pointers.set(event.pointerId, { x, y });
  }

  private dragTo(drag: Drag, x: number, y: number, before: { x: number; y: number }): void {
    const { section } = this.app;
    const [wx, wy] = this.toWorld(x, y);
    if (drag.kind === "pan") this.pan(x - before.x, y - before.y);
    else if (drag.kind === "box") {
      this.box = [Math.min(drag.x, x), Math.min(drag.y, y), Math.max(drag.x, x), Math.max(drag.y, y)];
      this.app.setFilter(this.boxFilter(), true);
    } else if (drag.kind === "end") {
      const [ux, uy] = [Math.sin((section.azimuth * Math.PI) / 180), Math.cos((section.azimuth * Math.PI) / 180)];
      const l = (-drag.end * section.length) / 2 / section.scale;
      const [fx, fy] = [section.cx + l * ux, section.cy + l * uy];
      const [dx, dy] = [(wx - fx) * drag.end, (wy - fy) * drag.end];
      const azimuth = ((Math.atan2(dx, dy) * 180) / Math.PI + 360) % 360;
      this.app.setSection({ cx: (fx + wx) / 2, cy: (fy + wy) / 2, azimuth, length: Math.max(Math.hypot(dx, dy) * section.scale, 0.1) }, true);
    } else if (drag.kind === "width") {
      const [ux, uy] = [Math.sin((section.azimuth * Math.PI) / 180), Math.cos((section.azimuth * Math.PI) / 180)];
      const across = Math.abs((wx - section.cx) * uy - (wy - section.cy) * ux);
      this.app.setSection({ width: Math.max(2 * across * section.scale, 0.1) }, true);
    }
  }

  private boxFilter() {
    const { projection } = this.app.catalog;
    const [x0, y1] = this.toWorld(this.box![0], this.box![1]);
    const [x1, y0] = this.toWorld(this.box![2], this.box![3]);
    const round = (v: number) => Math.round(v * 1e5) / 1e5;
    return {
      longitude: [round(projection.longitudeAt(x0)), round(projection.longitudeAt(x1))] as [number, number],
      latitude: [round(projection.latitudeAt(y0)), round(projection.latitudeAt(y1))] as [number, number],
    };
  }

  private up(event: PointerEvent): void {
    const [x, y] = this.point(event);
    this.pointers.delete(event.pointerId);
    const drag = this.drag;
    this.drag = null;
    if (drag?.kind === "box") {
      if (this.moved < 4) this.app.setFilter({ longitude: null, latitude: null });
      this.box = null;
      this.setBoxing(false);
    } else if (drag?.kind === "pan" && this.moved < 4) void this.openAt(x, y);
    this.app.changed();
  }

  private async openAt(x: number, y: number): Promise<void> {
    const station = this.stationAt(x, y);
    if (station) location.hash = `#/station/${encodeURIComponent(station.name)}`;
    else {
      const row = await this.nearest(x, y, 12);
      if (row >= 0) this.app.openEvent(row);
    }
  }

  private nearest(x: number, y: number, radius: number): Promise<number> {
    const { ratio } = this.top;
    return this.app.painter.nearest(this.app.limits(), "map", x * ratio, y * ratio, radius * ratio);
  }

  private stationAt(x: number, y: number) {
    const { projection } = this.app.catalog;
    return this.app.stations.find((station) => {
      const [u, v] = this.toScreen(projection.x(projection.near(station.longitude)), projection.y(station.latitude));
      return Math.hypot(u - x, v - y) < 7;
    });
  }

  private hovering = false;

  private async hover(x: number, y: number): Promise<void> {
    if (this.hovering || this.drag) return;
    this.hovering = true;
    const station = this.stationAt(x, y);
    const row = station ? -1 : await this.nearest(x, y, 9);
    this.hovering = false;
    this.top.element.style.cursor = station || row >= 0 ? "pointer" : "";
    if (!station && row < 0) this.hideTip();
    else {
      this.tip.replaceChildren(station ? `${station.name}, ${Math.round(station.elevation_m)} m` : this.app.describe(row));
      this.tip.hidden = false;
      this.tip.style.left = `${Math.min(x + 12, this.top.width - 210)}px`;
      this.tip.style.top = `${y + 14 > this.top.height - 60 ? y - 56 : y + 14}px`;
    }
  }

  private hideTip(): void {
    this.tip.hidden = true;
  }

  private key(event: KeyboardEvent): void {
    if (event.target !== this.element) return;
    const step = Math.min(this.top.width, this.top.height) / 8;
    const actions: Record<string, () => void> = {
      ArrowLeft: () => this.pan(step, 0),
      ArrowRight: () => this.pan(-step, 0),
      ArrowUp: () => this.pan(0, step),
      ArrowDown: () => this.pan(0, -step),
      "+": () => this.zoom(1.5),
      "=": () => this.zoom(1.5),
      "-": () => this.zoom(1 / 1.5),
      "0": () => this.reset(),
      Escape: () => this.app.setFilter({ longitude: null, latitude: null }),
      Enter: () => void this.nearest(this.top.width / 2, this.top.height / 2, 1e4).then((row) => { if (row >= 0) this.app.openEvent(row); }),
    };
    const action = actions[event.key];
    if (!action || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    action();
  }
}
