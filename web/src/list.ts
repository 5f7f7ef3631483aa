// The selected events as a table; only the rows in sight are elements.
import { h } from "./dom";
import { count, iso } from "./scales";
import type { App } from "./app";
import type { SortKey } from "./worker/messages";
import { REVIEWS } from "./catalog";

interface Column {
  key: SortKey | null;
  title: string;
  text(app: App, row: number): string;
  className?: string;
}

const number = (name: string, decimals: number) => (app: App, row: number) => {
  const value = app.catalog.value(name, row);
  return Number.isNaN(value) ? "" : value.toFixed(decimals).replace("-", "\u2212");
};

const COLUMNS: Column[] = [
  { key: "time", title: "Origin time (UTC)", text: (app, row) => iso(app.catalog.arrays.time[row]).replace("T", " ").slice(0, 22), className: "time" },
  { key: "latitude", title: "Latitude", text: number("latitude", 4) },
  { key: "longitude", title: "Longitude", text: number("longitude", 4) },
  { key: "depth", title: "Depth (km)", text: number("depth_km", 1) },
  { key: "magnitude", title: "Mag.", text: (app, row) => `${number("magnitude", 1)(app, row)} ${Number.isNaN(app.catalog.value("magnitude", row)) ? "" : app.catalog.columns.codes("magnitude_type").at(row)}`.trim() },
  { key: "quality", title: "Class", text: (app, row) => app.catalog.columns.codes("quality").at(row) },
  { key: "phases", title: "Phases", text: (app, row) => String(app.catalog.arrays.phases[row]) },
  { key: "stations", title: "Stations", text: number("n_stations", 0) },
  { key: "gap", title: "Gap (°)", text: number("gap_deg", 0) },
  { key: "rms", title: "RMS (s)", text: number("rms_s", 2) },
  { key: null, title: "Review", text: (app, row) => (app.catalog.arrays.review[row] ? REVIEWS[app.catalog.arrays.review[row]] : app.catalog.arrays.rejected[row] ? "rejected (automatic)" : "") },
];
/** Columns that a catalog has values for. */
function columnsOf(app: App): Column[] {
  const { catalog } = app;
  const empty = new Set<SortKey | null>([
    ...(catalog.hasMagnitudes ? [] : ["magnitude" as const]),
    ...(catalog.columns.codes("quality").texts.some(Boolean) ? [] : ["quality" as const]),
  ]);
  return COLUMNS.filter((column) => !empty.has(column.key));
}

const ROW = 26;
/** Browsers limit the height of an element: Firefox to 17 million pixels. */
const MOST_ROWS = 600_000;

export class List {
  readonly element: HTMLElement;
  rows: Uint32Array = new Uint32Array(0);
  private readonly body = h("tbody");
  private readonly columns: Column[];
  private readonly above = h("td", { colspan: COLUMNS.length });
  private readonly below = h("td", { colspan: COLUMNS.length });
  private readonly scroller: HTMLElement;
  private readonly heads = new Map<SortKey, HTMLElement>();
  private key: SortKey = "time";
  private descending = true;
  private first = -1;
  private active = 0;
  private wanted = 0;
  private latest: Promise<void> | null = null;

  constructor(private readonly app: App) {
    this.columns = columnsOf(app);
    const head = h("tr", {}, ...this.columns.map((column) => this.head(column)));
    this.scroller = h("div", { class: "scroller", tabindex: 0, role: "group", "aria-label": "List of the selected events. Up and down arrows choose an event, Enter opens it." },
      h("table", {}, h("thead", {}, head), this.body));
    this.element = h("section", { class: "list", "aria-label": "List" }, this.scroller);
    this.scroller.addEventListener("scroll", () => this.render());
    this.scroller.addEventListener("keydown", (event) => this.onKey(event));
  }

  private head(column: Column): HTMLElement {
    if (!column.key) return h("th", { scope: "col", class: "plain" }, column.title);
    const key = column.key;
    const cell = h("th", { scope: "col" }, h("button", { type: "button", onclick: () => this.sort(key) }, column.title));
    this.heads.set(key, cell);
    return cell;
  }

  private sort(key: SortKey): void {
    this.descending = this.key === key ? !this.descending : key === "time" || key === "magnitude";
    this.key = key;
    void this.refresh();
  }

  /** Ask for the rows of the selection. */
  refresh(): Promise<void> {
    this.latest = this.read(++this.wanted);
    return this.latest;
  }

  /** Wait until the rows are those that were asked for last. */
  async settled(): Promise<void> {
    for (let latest = this.latest ?? this.refresh(); ; latest = this.latest!) {
      await latest;
      if (latest === this.latest) return;
    }
  }

  /** Sort as another list does. */
  adopt(other: List): void {
    [this.key, this.descending] = [other.key, other.descending];
  }

  private async read(turn: number): Promise<void> {
    const rows = await this.app.painter.rows(this.app.limits(), this.key, this.descending);
    if (turn !== this.wanted) return;
    this.rows = rows;
    for (const [key, cell] of this.heads) cell.setAttribute("aria-sort", key === this.key ? (this.descending ? "descending" : "ascending") : "none");
    this.active = Math.min(this.active, Math.max(rows.length - 1, 0));
    this.first = -1;
    this.render();
  }

  render(): void {
    const height = this.scroller.clientHeight || 400;
    const first = Math.max(0, Math.floor(this.scroller.scrollTop / ROW) - 5);
    const most = Math.ceil(height / ROW) + 12;
    if (first === this.first && this.body.childElementCount) return;
    this.first = first;
    const shown = Math.min(this.rows.length, MOST_ROWS);
    const last = Math.min(shown, first + most);
    this.above.style.height = `${first * ROW}px`;
    this.below.style.height = `${Math.max(shown - last, 0) * ROW}px`;
    const made: HTMLElement[] = [];
    for (let at = first; at < last; at++) made.push(this.line(at));
    if (!this.rows.length) made.push(h("tr", {}, h("td", { colspan: COLUMNS.length, class: "empty" }, "No event is selected.")));
    this.body.replaceChildren(h("tr", { class: "space" }, this.above), ...made, h("tr", { class: "space" }, this.below));
  }

  private line(at: number): HTMLElement {
    const row = this.rows[at];
    const cells = this.columns.map((column, i) => {
      const text = column.text(this.app, row);
      return h("td", { class: column.className }, i === 0 ? h("a", { href: this.app.eventAddress(row), tabindex: -1 }, text) : text);
    });
    return h("tr", { class: at === this.active ? "active" : "", onclick: () => this.app.openEvent(row) }, ...cells);
  }

  private onKey(event: KeyboardEvent): void {
    const page = Math.floor(this.scroller.clientHeight / ROW) - 1;
    const steps: Record<string, number> = { ArrowUp: -1, ArrowDown: 1, PageUp: -page, PageDown: page, Home: -Infinity, End: Infinity };
    if (event.key === "Enter" && event.target === this.scroller && this.rows.length) this.app.openEvent(this.rows[this.active]);
    if (!(event.key in steps)) return;
    event.preventDefault();
    this.active = Math.min(Math.max(this.active + steps[event.key], 0), Math.max(this.rows.length - 1, 0));
    const [top, bottom] = [this.scroller.scrollTop, this.scroller.scrollTop + this.scroller.clientHeight - 2 * ROW];
    if (this.active * ROW < top) this.scroller.scrollTop = this.active * ROW;
    else if (this.active * ROW > bottom) this.scroller.scrollTop = this.active * ROW - this.scroller.clientHeight + 2 * ROW;
    this.first = -1;
    this.render();
  }

  /** The event before or after another one in the list; undefined at its ends. */
  neighbour(row: number, step: number): number | undefined {
    const at = this.rows.indexOf(row);
    return at < 0 ? undefined : this.rows[at + step];
  }

  caption(total: number): string {
    return `${count(this.rows.length)} of ${count(total)} events${this.rows.length > MOST_ROWS ? `; the list has the first ${count(MOST_ROWS)}` : ""}`;
  }
}
