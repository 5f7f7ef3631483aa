// Start the page: read the data, build the frame, and follow the address.
import { App } from "./app";
import { Catalog, type Station } from "./catalog";
import { Columns } from "./columns";
import { Details } from "./details";
import { h } from "./dom";
import type { Basemap } from "./mapview";
import { preferredTheme } from "./palette";
import { Projection } from "./projection";
import { Router } from "./router";
import { json, openSource, type Source } from "./source";

const root = document.getElementById("page")!;

async function start(): Promise<void> {
  const source = openSource();
  document.documentElement.dataset.theme = readTheme();
  const [{ first, rest }, stations] = await Promise.all([source.events(), json<Station[]>(source, "stations")]);
  const details = new Details(source);
  let app = build(source, first, stations, details);
  app.reading = rest !== null;
  const main = h("main", { id: "main", tabindex: -1 });
  const router = new Router(app, main);
  root.replaceChildren(header(source, main, router), main);
  Object.assign(window, { epicat: app });
  const shown = router.start();
  const basemap = await json<Basemap>(source, "basemap");
  app.setBasemap(basemap);
  if (rest) {
    app = build(source, await rest, stations, details);
    app.setBasemap(basemap);
    await router.use(app);
    Object.assign(window, { epicat: app });
  }
  await shown;
  if (source.config.kind === "server") await app.readReviews();
  await details.need("arrivals", "confidence", "stationDays", "travelTimes");
}

function build(source: Source, parts: Uint8Array[], stations: Station[], details: Details): App {
  const [west, south, east, north] = source.config.view;
  const projection = new Projection((west + east) / 2, (south + north) / 2);
  return new App(source, new Catalog(new Columns(parts), projection), stations, details, document.documentElement.dataset.theme!);
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
  const failure = h("p", { class: "failure", role: "alert" }, `The page is not complete: ${error.message}`);
  if (root.querySelector("main")) root.prepend(failure);
  else root.replaceChildren(failure);
  console.error(error);
});
