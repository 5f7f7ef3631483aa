// Stations: a table of all, and a page for each.
import { h, svg } from "./dom";
import type { App } from "./app";
import type { Station } from "./catalog";
import { Chart, confidenceChart, facts, minus, table } from "./chart";
import type { ChannelResponse } from "./details";
import { EVERYTHING } from "./filter";
import { stationOf } from "./eventpage";
import { mad, median } from "./numbers";
import { readingsOf, residualsOf, type MagnitudeReading, type Reading, type Residuals } from "./readings";
import { count, timeTicks } from "./scales";
import { statusClass, type StationDay } from "./stationdays";

const DAY = 86400;

/** The table of all stations; the residuals follow when they are read. */
export function stationsPage(app: App): HTMLElement {
  const page = h("article", { class: "detail" }, h("h2", {}, `${count(app.stations.length)} stations`), stationTable(app, null));
  const note = h("p", { class: "note", role: "status" }, "Reading the arrivals \u2026");
  page.append(note);
  void residualsOf(app, { ...EVERYTHING, rejected: true }).then((found) => {
    note.remove();
    if (found) page.querySelector(".table")!.replaceWith(stationTable(app, found));
  }).catch((error: Error) => { note.textContent = `No residuals: ${error.message}`; });
  return page;
}

function stationTable(app: App, residuals: Residuals | null): HTMLElement {
  const spreads = new Map(residuals?.stations.map((one) => [`${one.station}\n${one.phase}`, one.spread]));
  const rows = app.stations.map((station) => {
    const days = app.details.stationDays?.of(station.name) ?? [];
    const good = days.filter((d) => statusClass(d.status) === "good").length;
    const [p, s] = ["P", "S"].map((phase) => spreads.get(`${stationOf(station.ids[0] ?? station.name)}\n${phase}`));
    const text = (one: typeof p) => (one ? `${minus(one.median, 3)} (${minus(one.mad, 3)})` : "");
    return [
      h("a", { href: `#/station/${encodeURIComponent(station.name)}` }, station.name), minus(station.latitude, 4), minus(station.longitude, 4), minus(station.elevation_m, 0),
      station.channels, days.length ? `${count(good)} of ${count(days.length)}` : "", days.length ? count(days.reduce((sum, d) => sum + d.picks, 0)) : "",
      residuals ? count((p?.count ?? 0) + (s?.count ?? 0)) : "", text(p), text(s),
    ];
  });
  return table(["Station", "Latitude", "Longitude", "Elevation (m)", "Channels", "Days processed", "Picks", "Arrivals", "P residual: median (MAD), s", "S residual"], rows, "Stations");
}

export async function stationPage(app: App, name: string): Promise<HTMLElement> {
  const station = app.stations.find((s) => s.name === name || stationOf(s.ids[0] ?? "") === name);
  if (!station) return h("article", { class: "detail" }, h("h2", {}, `The catalog has no station ${name}`), h("a", { href: "#/stations" }, "All stations"));
  const days = app.details.stationDays?.of(station.name) ?? [];
  const { arrivals: own, magnitudes } = await readingsOf(app, stationOf(station.ids[0] ?? station.name));
  const at = app.stations.indexOf(station);
  const link = (step: number, text: string) => {
    const other = app.stations[at + step];
    return h("a", { class: "button", href: other && `#/station/${encodeURIComponent(other.name)}` }, text);
  };
  return h("article", { class: "detail" },
    h("div", { class: "title" }, h("h2", {}, `Station ${station.name}`), link(-1, "\u2190 Previous"), link(1, "Next \u2192"), h("a", { class: "button", href: "#/stations" }, "All stations")),
    facts([
      ["Position", `${minus(station.latitude, 5)}°, ${minus(station.longitude, 5)}°, ${minus(station.elevation_m, 0)} m`],
      ["Location codes", station.ids.map((id) => id.split(".")[2] || "(empty)").join(", ")],
      ["Channels", station.channels],
      ["Days", days.length ? counted(days) : "the ledger has no day of this station"],
    ]),
    h("div", { class: "figures" }, days.length ? calendar(days) : null, days.length ? picksPerDay(days) : null, confidence(app, station.ids), own.length ? residuals(own) : null, own.length ? byDistance(own) : null, magnitudes.length ? magnitudeResiduals(app, magnitudes) : null),
    own.length ? null : h("p", { class: "note" }, app.source.config.kind === "report" ? "The report has no arrivals of this station." : "The catalog has no arrivals of this station."),
    responses(app, station), reasons(days));
}

function counted(days: StationDay[]): string {
  const found = new Map<string, number>();
  for (const { status } of days) found.set(status, (found.get(status) ?? 0) + 1);
  return [...found].sort((a, b) => b[1] - a[1]).map(([status, n]) => `${count(n)} ${status}`).join(", ");
}

/** A square for each day: columns are weeks. */
function calendar(days: StationDay[]): HTMLElement {
  const first = days[0].day - ((days[0].day + 3) % 7);
  const weeks = Math.ceil((days[days.length - 1].day + 1 - first) / 7);
  const size = Math.max(2, Math.min(13, 900 / weeks));
  const root = svg("svg", { class: "chart calendar", viewBox: `0 0 ${Math.max(weeks * size + 20, 240)} ${7 * size + 24}`, role: "img", "aria-label": "Availability by day" });
  for (const { day, status, reason, picks } of days) {
    const [week, weekday] = [Math.floor((day - first) / 7), (day - first) % 7];
    const title = `${new Date(day * DAY * 1000).toISOString().slice(0, 10)}: ${status}${reason ? ` (${reason})` : ""}, ${picks} picks`;
    root.append(svg("rect", { class: `day ${statusClass(status)}`, x: week * size, y: weekday * size + 16, width: size - Math.min(1.5, size / 6), height: size - Math.min(1.5, size / 6) }, svg("title", {}, title)));
  }
  let last = -1e9;
  for (const tick of timeTicks(first * DAY, (first + weeks * 7) * DAY, 9)) {
    const x = ((tick.value / DAY - first) / 7) * size;
    if (x - last < 60) continue;
    last = x;
    root.append(svg("text", { x, y: 11 }, tick.label));
  }
  const key = (name: string, text: string) => h("span", { class: "key" }, svg("svg", { width: 11, height: 11, "aria-hidden": "true" }, svg("rect", { class: `day ${name}`, width: 11, height: 11 })), text);
  return h("figure", { class: "figure wide" }, h("figcaption", {}, "Availability by day, a week a column"), root,
    h("p", { class: "note" }, key("good", "processed"), key("absent", "no data"), key("poor", "left out by quality control"), key("bad", "failed or unreadable"), key("never", "not processed")));
}

function picksPerDay(days: StationDay[]): HTMLElement {
  const range: [number, number] = [days[0].day * DAY, (days[days.length - 1].day + 1) * DAY];
  const most = Math.max(1, ...days.map((d) => d.picks));
  const chart = new Chart("Picks a day", 620, 210, { range, title: "Day (UTC)", time: true }, { range: [0, most * 1.05], title: "Picks" });
  for (const { day, picks } of days) {
    if (picks) chart.bars([day * DAY, (day + 1) * DAY], [picks], "bars");
  }
  return chart.element;
}

function confidence(app: App, ids: string[]): HTMLElement | null {
  const own = ids.map((id) => app.details.confidence[id]).filter(Boolean);
  if (!own.length) return null;
  const sum = (phase: string) => own.reduce<number[]>((all, one) => (one![phase] ?? []).map((n, i) => n + (all[i] ?? 0)), []);
  return confidenceChart("Confidence of picks", sum("P"), sum("S"));
}

/** Over the time of the catalog, since few events may be at one end of it. */
function magnitudeResiduals(app: App, own: MagnitudeReading[]): HTMLElement {
  const [low, high] = app.catalog.times;
  const range: [number, number] = [low - 1, high + 1];
  const values = own.map((m) => m.residual);
  const sorted = values.map(Math.abs).sort((a, b) => a - b);
  const most = Math.max(sorted[Math.floor(sorted.length * 0.98)] * 1.2, 0.2);
  const chart = new Chart("Magnitude residuals", 620, 240, { range, title: "Time (UTC)", time: true }, { range: [-most, most], title: "Station minus event" });
  chart.line([[range[0], 0], [range[1], 0]], "zero").cloud(own.map((m) => [m.time, m.residual]), "cloud size");
  chart.element.append(h("p", { class: "note" }, `${count(own.length)} station magnitudes, median ${minus(median(values), 2)}, MAD ${minus(mad(values), 2)}`));
  return chart.element;
}

const UNITS: Record<string, string> = { M: "m", "M/S": "m/s", "M/S**2": "m/s\u00b2" };

function sensitivity(gain: number): string {
  return Number(gain.toPrecision(6)).toExponential().replace("e+", "e").replace("-", "\u2212");
}

/** The responses that amplitudes were measured with. */
function responses(app: App, station: Station): HTMLElement | null {
  const { channels, days } = app.details.responses;
  const own = station.ids.flatMap((id) => channels[id] ?? []);
  const measured = days[station.name];
  if (!own.length && !measured) return null;
  const date = (text: string) => text.slice(0, 10);
  const state = (one: ChannelResponse) => one.problem || (one.is_flat ? "given by the user" : `metadata, ${one.stages} frequency-dependent stages`);
  const rows = own.map((one) => [one.channel, date(one.start) || "\u2013", date(one.end) || "\u2013", one.problem ? "" : `${sensitivity(one.gain)} counts per ${UNITS[one.unit] ?? one.unit}`, state(one)]);
  const found = Object.entries(measured?.reasons ?? {}).map(([reason, n]) => `${count(n)} days: ${reason}`);
  return h("section", {}, h("h3", {}, "Response in use"),
    measured ? h("p", { class: "note" }, `${count(measured.amplitudes)} picks have amplitudes, measured on ${count(measured.measured)} days. ${found.join("; ")}`) : null,
    own.length ? table(["Channel", "From", "To", "Sensitivity", "Source"], rows, "Responses") : h("p", { class: "note" }, "The store has no record of the responses: its amplitudes were measured with an earlier version."));
}

function limit(own: Reading[]): number {
  const sorted = own.map((r) => Math.abs(r.residual)).sort((a, b) => a - b);
  return Math.max(sorted[Math.floor(sorted.length * 0.98)] * 1.2, 0.1);
}

function residuals(own: Reading[]): HTMLElement {
  const times = own.map((r) => r.time);
  const range: [number, number] = [times.reduce((a, b) => Math.min(a, b)) - 1, times.reduce((a, b) => Math.max(a, b)) + 1];
  const most = limit(own);
  const chart = new Chart("Residuals over time", 620, 240, { range, title: "Time (UTC)", time: true }, { range: [-most, most], title: "Residual (s)" });
  chart.line([[range[0], 0], [range[1], 0]], "zero");
  for (const phase of ["P", "S"]) chart.cloud(own.filter((r) => r.phase.startsWith(phase)).map((r) => [r.time, r.residual]), `cloud ${phase.toLowerCase()}`);
  const of = (phase: string) => own.filter((r) => r.phase.startsWith(phase)).map((r) => r.residual);
  chart.element.append(h("p", { class: "note" }, ...["P", "S"].map((phase) => h("span", { class: phase.toLowerCase() }, `\u25cf ${phase}: ${of(phase).length}, median ${minus(median(of(phase)), 3)} s, MAD ${minus(mad(of(phase)), 3)} s `))));
  return chart.element;
}

function byDistance(own: Reading[]): HTMLElement {
  const most = limit(own);
  const farthest = own.reduce((a, r) => Math.max(a, r.distance), 1);
  const chart = new Chart("Residuals by distance", 380, 240, { range: [0, farthest * 1.03], title: "Epicentral distance (km)" }, { range: [-most, most], title: "Residual (s)" });
  chart.line([[0, 0], [farthest * 1.03, 0]], "zero");
  for (const phase of ["P", "S"]) chart.cloud(own.filter((r) => r.phase.startsWith(phase)).map((r) => [r.distance, r.residual]), `cloud ${phase.toLowerCase()}`);
  return chart.element;
}

function reasons(days: StationDay[]): HTMLElement | null {
  const odd = days.filter((d) => d.reason);
  if (!odd.length) return null;
  const groups = new Map<string, StationDay[]>();
  for (const d of odd) groups.set(`${d.status}\n${d.reason}`, [...(groups.get(`${d.status}\n${d.reason}`) ?? []), d]);
  const date = (day: number) => new Date(day * DAY * 1000).toISOString().slice(0, 10);
  const rows = [...groups].sort((a, b) => b[1].length - a[1].length).slice(0, 200).map(([key, list]) => {
    const [status, reason] = key.split("\n");
    return [status, reason, count(list.length), date(list[0].day), date(list[list.length - 1].day)];
  });
  return h("section", {}, h("h3", {}, "Reasons"), table(["Status", "Reason", "Days", "First", "Last"], rows, "Reasons"));
}

