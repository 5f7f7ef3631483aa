// Start the page: read the data, build the frame, and follow the address.
import { App } from "./app";
import { Arrivals } from "./arrivals";
import { Catalog, type Station } from "./catalog";
import { Columns } from "./columns";
import { h } from "./dom";
import type { Basemap } from "./mapview";
import { preferredTheme } from "./palette";
import { Projection } from "./projection";
import { json, openSource, type Source } from "./source";

const root = document.getElementById("page")!;

async function start(): Promise<void> {
  const source = openSource();
  const theme = readTheme();
  document.documentElement.dataset.theme = theme;
  const [west, south, east, north] = source.config.view;
  const projection = new Projection((west + east) / 2, (south + north) / 2);
  const [events, stations] = await Promise.all([source.bytes("events"), json<Station[]>(source, "stations")]);
  const app = new App(source, new Catalog(new Columns([events]), projection), stations, theme);
  const main = h("main", { id: "main", tabindex: -1 });
  root.replaceChildren(header(source, app, main), main);
  follow(app, main);
  app.start();
  Object.assign(window, { epicat: app });
  app.setBasemap(await json<Basemap>(source, "basemap"));
  if (source.config.kind === "report") {
    app.arrivals = new Arrivals(new Columns([await source.bytes("arrivals")]), app.catalog.length);
  }
}

function readTheme(): string {
  const asked = new URLSearchParams(location.search).get("theme");
  return asked === "dark" || asked === "light" ? asked : preferredTheme();
}

function header(source: Source, app: App, main: HTMLElement): HTMLElement {
  const { title, location: store } = source.config;
  return h("header", {},
    h("a", { class: "skip", href: "#main", onclick: (event: Event) => { event.preventDefault(); main.focus(); } }, "Skip to the content"),
    h("div", { class: "name" }, h("h1", {}, title), h("p", {}, store)),
    h("nav", { "aria-label": "Pages" }, h("a", { href: "#/", "data-page": "" }, "Catalog")),
    h("button", { type: "button", class: "theme", title: "Light or dark", "aria-label": "Light or dark", onclick: () => {
      const name = app.theme.name === "dark" ? "light" : "dark";
      document.documentElement.dataset.theme = name;
      app.setTheme(name);
    } }, "\u25d1"));
}

function follow(app: App, main: HTMLElement): void {
  const show = () => {
    const [, query] = location.hash.split("?");
    if (app.page.parentElement !== main) main.replaceChildren(app.page);
    app.setVisible(true);
    app.readAddress(query ?? "");
  };
  window.addEventListener("hashchange", show);
  show();
}

start().catch((error: Error) => {
  root.replaceChildren(h("p", { class: "failure", role: "alert" }, `The page cannot be shown: ${error.message}`));
  console.error(error);
});
