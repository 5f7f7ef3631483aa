// Start the page: read the data, build the frame, and follow the address.
import { App } from "./app";
import { Arrivals } from "./arrivals";
import { Catalog, type Station } from "./catalog";
import { Columns } from "./columns";
import { h } from "./dom";
import type { Basemap } from "./mapview";
import { preferredTheme } from "./palette";
import { Projection } from "./projection";
import { readReviews } from "./review";
import { Router } from "./router";
import { json, openSource, type Source } from "./source";
import { StationDays } from "./stationdays";
import type { TravelTimeTable } from "./traveltimes";

const root = document.getElementById("page")!;

async function start(): Promise<void> {
  const source = openSource();
  document.documentElement.dataset.theme = readTheme();
  const [{ first, rest }, stations] = await Promise.all([source.events(), json<Station[]>(source, "stations")]);
  let app = build(source, first, stations);
  app.reading = rest !== null;
  const main = h("main", { id: "main", tabindex: -1 });
  const router = new Router(app, main);
  root.replaceChildren(header(source, main, router), main);
  router.showCatalog();
  app.start();
  Object.assign(window, { epicat: app });
  const basemap = await json<Basemap>(source, "basemap");
  app.setBasemap(basemap);
  if (rest) {
    app = build(source, await rest, stations);
    await router.use(app);
    Object.assign(window, { epicat: app });
    app.setBasemap(basemap);
  }
  await readDetails(source, app);
  if (source.config.kind === "server") await readReviews(source, app);
  await router.start();
}

function build(source: Source, parts: Uint8Array[], stations: Station[]): App {
  const [west, south, east, north] = source.config.view;
  const projection = new Projection((west + east) / 2, (south + north) / 2);
  return new App(source, new Catalog(new Columns(parts), projection), stations, document.documentElement.dataset.theme!);
}

/** What the first map does not need. */
async function readDetails(source: Source, app: App): Promise<void> {
  const [days, confidence, times] = await Promise.all([
    source.bytes("station-days"), json<App["confidence"]>(source, "confidence"), json<TravelTimeTable | null>(source, "travel-times"),
  ]);
  app.stationDays = new StationDays(new Columns([days]));
  app.confidence = confidence;
  app.travelTimes = times;
  if (source.config.kind === "report") app.arrivals = new Arrivals(new Columns([await source.bytes("arrivals")]), app.catalog.length);
}

function readTheme(): string {
  const asked = new URLSearchParams(location.search).get("theme");
  return asked === "dark" || asked === "light" ? asked : preferredTheme();
}

function header(source: Source, main: HTMLElement, router: Router): HTMLElement {
  const { title, location: store } = source.config;
  return h("header", {},
    h("a", { class: "skip", href: "#main", onclick: (event: Event) => { event.preventDefault(); main.focus(); } }, "Skip to the content"),
    h("div", { class: "name" }, h("h1", {}, title), h("p", {}, store)),
    router.nav,
    h("button", { type: "button", class: "theme", title: "Light or dark", "aria-label": "Light or dark", onclick: () => {
      const name = router.app.theme.name === "dark" ? "light" : "dark";
      document.documentElement.dataset.theme = name;
      router.app.setTheme(name);
    } }, "\u25d1"));
}

start().catch((error: Error) => {
  root.replaceChildren(h("p", { class: "failure", role: "alert" }, `The page cannot be shown: ${error.message}`));
  console.error(error);
});
