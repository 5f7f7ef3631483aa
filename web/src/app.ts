// The state of the page, and the panels that show it.
import { h, save } from "./dom";
import { NO_ARRIVALS, type Arrival } from "./arrivals";
import { Catalog, REVIEWS, type ColorBy, type Station } from "./catalog";
import type { Details } from "./details";
import { csvOf, quakemlOf } from "./exportfile";
import { EVERYTHING, formatFilter, parseFilter, type Filter } from "./filter";
import { FilterForm } from "./filterform";
import { List } from "./list";
import { MapView, type Basemap } from "./mapview";
import { Painter } from "./painter";
import { themeOf, type Theme } from "./palette";
import { count, iso } from "./scales";
import { fetchReviews, type Review } from "./review";
import { SectionView } from "./sectionview";
import type { Source } from "./source";
import { Timeline, colorBar } from "./timeline";
import type { Drawn, Limits } from "./worker/messages";

/** The box of the sections: its center in the projection, azimuth of A-A', and sizes in km. */
export interface Section {
  cx: number;
  cy: number;
  azimuth: number;
  length: number;
  width: number;
  /** True km per km of the projection at the center. */
  scale: number;
}

const LIST_DELAY_MS = 200;

export class App {
  readonly painter = new Painter();
  readonly page: HTMLElement;
  theme: Theme;
  colorBy: ColorBy = "depth";
  filter: Filter = EVERYTHING;
  section: Section = { cx: 0, cy: 0, azimuth: 90, length: 100, width: 100, scale: 1 };
  /** Reviews by event; empty in a report. */
  readonly reviews = new Map<string, Review>();
  /** Whether more events are on their way. */
  reading = false;
  selected = 0;
  total = 0;
  private readonly map: MapView;
  private readonly sections: SectionView[];
  private readonly timeline: Timeline;
  readonly list: List;
  private readonly form: FilterForm;
  private readonly caption = h("output", { class: "caption", "aria-live": "polite" });
  private readonly colors: HTMLSelectElement;
  private readonly scale = h("span");
  private readonly sectionFields: Record<"azimuth" | "length" | "width", HTMLInputElement>;
  private frame = 0;
  private later = 0;
  private visible = true;
  private started = false;
  private reviewed: Promise<void> | null = null;

  constructor(readonly source: Source, readonly catalog: Catalog, readonly stations: Station[], readonly details: Details, theme: string) {
    this.theme = themeOf(theme);
    this.map = new MapView(this);
    this.sections = [new SectionView(this, "A"), new SectionView(this, "B")];
    this.timeline = new Timeline(this);
    this.list = new List(this);
    this.form = new FilterForm(this);
    this.colors = h("select", { "aria-label": "Color of the events", onchange: () => this.setColor(this.colors.value as ColorBy) },
      ...(["depth", "time", ...(catalog.hasMagnitudes ? ["magnitude"] : [])] as const).map((name) => h("option", { value: name }, `Color: ${name}`)));
    this.sectionFields = { azimuth: this.sectionField("azimuth"), length: this.sectionField("length"), width: this.sectionField("width") };
    this.page = this.layout();
    this.painter.onDrawn = (drawn) => this.show(drawn);
    this.painter.setEvents(catalog.arrays, catalog.look(this.theme, this.colorBy));
    this.timeline.reset();
    new ResizeObserver(() => this.changed()).observe(this.page);
  }

  private layout(): HTMLElement {
    const bar = h("div", { class: "bar-row" }, this.caption, this.colors, this.scale,
      h("span", { class: "grow" }),
      h("button", { type: "button", onclick: () => this.export("csv") }, "Export CSV"),
      h("button", { type: "button", onclick: () => this.export("quakeml") }, "Export QuakeML"));
    const wide = matchMedia("(min-width: 1000px)").matches;
    const filter = h("details", { class: "side", open: wide }, h("summary", {}, "Filter"), this.form.element,
      h("fieldset", { class: "sections" }, h("legend", {}, "Sections"),
        h("label", { class: "single" }, h("span", {}, "Azimuth of A\u2013A\u2032 (°)"), this.sectionFields.azimuth),
        h("label", { class: "single" }, h("span", {}, "Length (km)"), this.sectionFields.length),
        h("label", { class: "single" }, h("span", {}, "Width (km)"), this.sectionFields.width)));
    return h("div", { class: "catalog" }, bar, filter,
      h("div", { class: "panels" }, this.map.element, h("div", { class: "pair-of-sections" }, ...this.sections.map((s) => s.element)), this.timeline.element),
      this.list.element);
  }

  private sectionField(name: "azimuth" | "length" | "width"): HTMLInputElement {
    return h("input", { type: "number", min: name === "azimuth" ? 0 : 0.1, step: "any", onchange: (event: Event) => {
      const value = Number((event.target as HTMLInputElement).value);
      if (Number.isFinite(value) && (name === "azimuth" || value > 0)) this.setSection({ [name]: value });
    } });
  }

  setBasemap(basemap: Basemap): void {
    this.map.setBasemap(basemap);
  }

  /** Continue where the user was with fewer events. */
  adopt(other: App): void {
    this.filter = other.filter;
    this.form.write(this.filter);
    this.list.adopt(other.list);
    if (!other.started) return;
    this.started = true;
    this.colorBy = other.colorBy;
    this.colors.value = other.colorBy;
    this.painter.setLook(this.catalog.look(this.theme, this.colorBy));
    this.map.adopt(other.map);
    this.setSection(other.section);
  }

  /** End the worker and whatever was to happen later. */
  stop(): void {
    this.visible = false;
    clearTimeout(this.later);
    this.painter.stop();
  }

  /** The first time, show the box of the catalog, with sections from west to east and from south to north. */
  start(): void {
    if (this.started) return;
    this.started = true;
    const { projection } = this.catalog;
    const [west, south, east, north] = this.source.config.view;
    this.map.setHome([west, south, east, north]);
    const [x0, x1, y0, y1] = [projection.x(west), projection.x(east), projection.y(south), projection.y(north)];
    const cy = (y0 + y1) / 2;
    const scale = projection.trueScale(cy);
    this.section = { cx: (x0 + x1) / 2, cy, azimuth: 90, length: (x1 - x0) * scale * 0.92, width: (y1 - y0) * scale * 0.92, scale };
    this.setSection({});
  }

  setSection(changed: Partial<Section>, moving = false): void {
    const section = { ...this.section, ...changed };
    section.scale = this.catalog.projection.trueScale(section.cy);
    this.section = section;
    for (const name of ["azimuth", "length", "width"] as const) {
      const input = this.sectionFields[name];
      if (document.activeElement !== input) input.value = String(Number(section[name].toFixed(name === "azimuth" ? 0 : 1)));
    }
    this.changed(moving);
  }

  setFilter(changed: Partial<Filter>, moving = false): void {
    this.filter = { ...this.filter, ...changed };
    this.form.write(this.filter);
    this.changed(moving);
    this.refreshLater();
  }

  /** Take the filter of the address. */
  readAddress(query: string): void {
    this.filter = parseFilter(new URLSearchParams(query));
    this.form.write(this.filter);
    this.changed();
    void this.list.refresh();
  }

  setTheme(name: string): void {
    this.theme = themeOf(name);
    this.painter.setLook(this.catalog.look(this.theme, this.colorBy));
    this.changed();
  }

  private setColor(by: ColorBy): void {
    this.colorBy = by;
    this.painter.setLook(this.catalog.look(this.theme, by));
    this.changed();
  }

  get hasReviews(): boolean {
    return this.source.config.kind === "server";
  }

  /** Read once what reviewers say. */
  readReviews(): Promise<void> {
    this.reviewed ??= fetchReviews(this.source).then((reviews) => this.setReviews(reviews));
    return this.reviewed;
  }

  /** Show what reviewers say. */
  setReviews(reviews: Review[]): void {
    this.reviews.clear();
    for (const review of reviews) {
      this.reviews.set(review.event_id, review);
      const row = this.catalog.rowOf(review.event_id);
      if (row === undefined) continue;
      const value = REVIEWS.indexOf(review.stale ? "stale" : review.status);
      this.catalog.arrays.review[row] = Math.max(value, 0);
      this.painter.setReview(row, Math.max(value, 0));
    }
    this.changed();
    void this.list.refresh();
  }

  limits(): Limits {
    return this.catalog.limits(this.filter);
  }

  setVisible(visible: boolean): void {
    this.visible = visible;
    if (visible) this.changed();
  }

  /** Draw with the present state; `moving`: it will change again at once. */
  changed(moving = false): void {
    if (!this.visible || !this.page.isConnected) return;
    const panels = { map: this.map.panel(), sectionA: this.sections[0].panel(), sectionB: this.sections[1].panel(), magnitude: this.timeline.panel() };
    this.painter.draw({ limits: this.limits(), panels, bins: this.timeline.bins() }, moving);
    this.redraw();
  }

  redraw(): void {
    if (this.frame) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      if (!this.visible) return;
      this.map.draw();
      for (const section of this.sections) section.draw();
      this.timeline.draw();
    });
  }

  private show(drawn: Drawn): void {
    for (const panel of [this.map, ...this.sections, this.timeline]) panel.show(drawn);
    this.selected = drawn.selected;
    this.total = drawn.total;
    this.caption.textContent = `${count(drawn.selected)} of ${count(drawn.total)} events${this.reading ? `, reading ${count(this.source.config.n_events)}` : ""}`;
    this.scale.replaceChildren(colorBar(this));
    this.redraw();
  }

  private refreshLater(): void {
    clearTimeout(this.later);
    this.later = window.setTimeout(() => this.refresh(), LIST_DELAY_MS);
  }

  /** Put the filter into the address, and the selection into the list. */
  private refresh(): void {
    clearTimeout(this.later);
    this.later = 0;
    if (this.visible) history.replaceState(null, "", this.address());
    void this.list.refresh();
  }

  /** Wait until the list has the selected events. */
  async settled(): Promise<void> {
    if (this.later) this.refresh();
    await this.list.settled();
  }

  /** The address of the catalog page with the present filter. */
  address(): string {
    const query = formatFilter(this.filter).toString().replaceAll("%3A", ":").replaceAll("%2C", ",");
    return `#/${query ? `?${query}` : ""}`;
  }

  eventAddress(row: number): string {
    return `#/event/${encodeURIComponent(this.catalog.id(row))}`;
  }

  openEvent(row: number): void {
    if (this.later) this.refresh();
    location.hash = this.eventAddress(row);
  }

  /** One line about an event. */
  describe(row: number): string {
    const { catalog } = this;
    const magnitude = catalog.value("magnitude", row);
    const size = Number.isNaN(magnitude) ? "" : `${catalog.columns.codes("magnitude_type").at(row) || "M"} ${magnitude.toFixed(1)}, `;
    return `${iso(catalog.arrays.time[row]).replace("T", " ").slice(0, 19)} UTC, ${size}${catalog.arrays.depth[row].toFixed(1)} km deep, ${catalog.arrays.phases[row]} phases`.replace("-0.0 km", "0.0 km");
  }

  arrivalsOf(row: number): Arrival[] {
    return this.details.arrivals?.of(row) ?? NO_ARRIVALS;
  }

  private async export(kind: "csv" | "quakeml"): Promise<void> {
    const rows = await this.painter.rows(this.limits(), "time", false);
    if (kind === "csv") save("events.csv", "text/csv", csvOf(this.catalog, rows));
    else await this.exportQuakeml(rows);
  }

  /** QuakeML with picks and arrivals: a report has those of some events, a server writes all. */
  private async exportQuakeml(rows: Uint32Array): Promise<void> {
    if (this.source.config.kind === "server") {
      const query = formatFilter(this.filter);
      h("a", { href: `data/quakeml${query.size ? `?${query}` : ""}`, download: "events.xml" }).click();
      return;
    }
    await this.details.need("arrivals");
    save("events.xml", "application/xml", quakemlOf(this.catalog, rows, this.source.config, (row) => this.arrivalsOf(row)));
  }
}
