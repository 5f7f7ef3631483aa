// Which page the address names: #/, #/event/ID, #/stations, #/station/NAME, #/statistics, #/provenance.
import type { App } from "./app";
import { Arrivals } from "./arrivals";
import { Columns } from "./columns";
import { h } from "./dom";
import { eventPage, recordSection, type EventDetails, type Place } from "./eventpage";
import { provenancePage, type Provenance } from "./provenancepage";
import { reviewForm } from "./review";
import { json } from "./source";
import { stationPage, stationsPage } from "./stationpage";
import { StationMagnitudes } from "./stationmagnitudes";
import { statisticsPage } from "./statspage";
import type { Waveform } from "./waveforms";

const PAGES: [string, string][] = [["", "Catalog"], ["stations", "Stations"], ["statistics", "Statistics"], ["provenance", "Provenance"]];

export class Router {
  readonly nav: HTMLElement;
  private associated: Map<number, Place> | null = null;
  private magnitudes: StationMagnitudes | null = null;
  private turn = 0;

  constructor(public app: App, private readonly main: HTMLElement) {
    this.nav = h("nav", { "aria-label": "Pages" }, ...PAGES.map(([name, title]) => h("a", { href: `#/${name}`, "data-page": name }, title)));
    document.addEventListener("keydown", (event) => this.key(event));
  }

  async start(): Promise<void> {
    window.addEventListener("hashchange", () => void this.show());
    await this.show();
  }

  /** Show more events on the page that is open, as the user left it. */
  async use(app: App): Promise<void> {
    const old = this.app;
    this.app = app;
    const isCatalog = old.page.parentElement === this.main;
    const focused = isCatalog ? selectorOf(document.activeElement) : "";
    if (isCatalog) this.main.replaceChildren(app.page);
    app.adopt(old);
    old.stop();
    if (!isCatalog) {
      await this.show(true);
      return;
    }
    app.setVisible(true);
    if (focused) app.page.querySelector<HTMLElement>(focused)?.focus({ preventScroll: true });
    await app.list.refresh();
  }

  private showCatalog(): void {
    if (this.app.page.parentElement !== this.main) this.main.replaceChildren(this.app.page);
    this.app.setVisible(true);
    this.app.start();
    this.app.readAddress(location.hash.split("?")[1] ?? "");
    this.mark("");
  }

  private mark(name: string): void {
    for (const link of this.nav.querySelectorAll("a")) {
      if (link.dataset.page === name) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
      if (link.dataset.page === "") link.setAttribute("href", this.app.address());
    }
  }

  /** Show the page that the address names; `again`: it is there already, with fewer events. */
  private async show(again = false): Promise<void> {
    const turn = ++this.turn;
    const [page, name] = location.hash.split("?")[0].replace(/^#\/?/, "").split("/").map(decoded);
    if (!page) {
      this.showCatalog();
      return;
    }
    this.app.setVisible(false);
    const found = await this.build(page, name ?? "").catch((error: Error) => h("p", { class: "failure", role: "alert" }, error.message));
    if (turn !== this.turn) return;
    const comment = this.main.querySelector<HTMLInputElement>("input.comment");
    this.main.replaceChildren(found);
    this.mark(page === "station" ? "stations" : page);
    if (again && comment) found.querySelector("input.comment")?.replaceWith(comment);
    if (again) return;
    window.scrollTo(0, 0);
    this.main.focus({ preventScroll: true });
  }

  private async build(page: string, name: string): Promise<HTMLElement> {
    const { app } = this;
    if (page === "event") return this.event(name);
    if (page === "station" || page === "stations") {
      await app.details.need("stationDays", "confidence", "responses");
      return page === "station" ? stationPage(app, name) : stationsPage(app);
    }
    if (page === "statistics") {
      await app.details.need("confidence");
      return statisticsPage(app);
    }
    if (page === "provenance") return provenancePage(this.app.source.config, await json<Provenance>(this.app.source, "provenance"));
    return h("p", { class: "failure" }, `There is no page ${page}.`);
  }

  private async event(id: string): Promise<HTMLElement> {
    const { app } = this;
    const row = app.catalog.rowOf(id);
    if (row === undefined) return h("p", { class: "failure" }, app.reading ? `Reading the catalog to find event ${id} …` : `The catalog has no event ${id}.`);
    await Promise.all([app.settled(), app.details.need("travelTimes", "arrivals"), app.source.config.can_review ? app.readReviews() : null]);
    const form = app.source.config.can_review ? reviewForm(app, row) : null;
    const details = await this.details(row);
    const page = eventPage(app, details, form);
    if (app.source.config.kind === "server" && details.arrivals.length) void this.addWaveforms(details, page);
    return page;
  }

  /** Draw the record section again once the waveforms are there. */
  private async addWaveforms(details: EventDetails, page: HTMLElement): Promise<void> {
    const { app } = this;
    const name = `${app.catalog.id(details.row)}/${Math.round(details.place.time)}000000000`;
    const old = page.querySelector(".figures > .figure")!;
    const note = h("p", { class: "note", role: "status" }, "Reading waveforms …");
    old.append(note);
    try {
      const found = await json<{ traces: Waveform[]; notes: string[] }>(app.source, `waveforms/${name}`);
      const made = recordSection(app, { ...details, waveforms: found.traces });
      made.append(h("p", { class: "note" }, `${found.traces.length} waveforms, above 1 Hz.`, ...found.notes.slice(0, 5).map((text) => h("span", {}, ` ${text}.`))));
      old.replaceWith(made);
    } catch (error) {
      note.textContent = `No waveforms: ${(error as Error).message}`;
    }
  }

  private async details(row: number): Promise<EventDetails> {
    const { app } = this;
    const { arrays } = app.catalog;
    const place: Place = { time: arrays.time[row], latitude: app.catalog.value("latitude", row), longitude: app.catalog.value("longitude", row), depth: arrays.depth[row] };
    if (app.source.config.kind === "server") return this.remoteDetails(row, place);
    this.associated ??= places(new Columns([await app.source.bytes("associated")]));
    this.magnitudes ??= new StationMagnitudes(new Columns([await app.source.bytes("station-magnitudes")]));
    return { row, place, arrivals: app.arrivalsOf(row), associated: this.associated.get(row) ?? null, waveforms: [], magnitudes: this.magnitudes.of(row) };
  }

  private async remoteDetails(row: number, place: Place): Promise<EventDetails> {
    const { source, catalog } = this.app;
    const name = `${catalog.id(row)}/${Math.round(place.time)}000000000`;
    const [arrivals, associated, magnitudes] = await Promise.all(["arrivals", "associated", "station-magnitudes"].map((kind) => source.bytes(`${kind}/${name}`)));
    return { row, place, arrivals: new Arrivals(new Columns([arrivals]), 1).of(0), associated: places(new Columns([associated])).get(0) ?? null, waveforms: [], magnitudes: new StationMagnitudes(new Columns([magnitudes])).of(0) };
  }

  private key(event: KeyboardEvent): void {
    // The address, not the page that is shown, names the event: keys may come faster than pages.
    const row = this.eventOfAddress();
    if (row === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target instanceof HTMLInputElement || event.target instanceof HTMLTextAreaElement || event.target instanceof HTMLSelectElement) return;
    const step = { n: 1, p: -1 }[event.key];
    const status = { a: "accepted", r: "rejected" }[event.key];
    if (status) this.main.querySelector<HTMLButtonElement>(`.review button[data-status="${status}"]`)?.click();
    if (event.key === "Escape") location.hash = this.app.address();
    if (!step) return;
    const other = this.app.list.neighbour(row, step);
    if (other !== undefined) this.app.openEvent(other);
  }

  private eventOfAddress(): number | undefined {
    const [page, name] = location.hash.replace(/^#\/?/, "").split("/");
    return page === "event" ? this.app.catalog.rowOf(decoded(name ?? "")) : undefined;
  }
}

/** Where an element is found in another page of the catalog; empty if it has no name. */
function selectorOf(element: Element | null): string {
  const name = element?.getAttribute("aria-label") ?? "";
  return name ? `${element!.tagName}[aria-label="${CSS.escape(name)}"]` : "";
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function places(columns: Columns): Map<number, Place> {
  const [event, time, latitude, longitude, depth] = ["event", "time", "latitude", "longitude", "depth_km"].map((name) => columns.number(name));
  const found = new Map<number, Place>();
  for (let i = 0; i < columns.length; i++) found.set(event[i], { time: time[i], latitude: latitude[i], longitude: longitude[i], depth: depth[i] });
  return found;
}
