// One event: record section, Wadati diagram, station map, uncertainty, arrivals.
import { h, svg } from "./dom";
import type { App } from "./app";
import type { Arrival } from "./arrivals";
import { Chart, facts, minus, table } from "./chart";
import { robustLine } from "./numbers";
import { distanceAzimuth } from "./projection";
import { iso } from "./scales";
import type { StationMagnitude } from "./stationmagnitudes";
import { travelTime } from "./traveltimes";
import type { Waveform } from "./waveforms";

export interface Place {
  time: number;
  latitude: number;
  longitude: number;
  depth: number;
}

export interface EventDetails {
  row: number;
  place: Place;
  arrivals: Arrival[];
  associated: Place | null;
  waveforms: Waveform[];
  magnitudes: StationMagnitude[];
}

const KM = 111.195;

export function stationOf(trace: string): string {
  return trace.split(".").slice(0, 2).join(".");
}

export function eventPage(app: App, details: EventDetails, extra: HTMLElement | null): HTMLElement {
  const { row, arrivals } = details;
  const parts: (HTMLElement | null)[] = [heading(app, row), extra, summary(app, details)];
  if (arrivals.length) {
    parts.push(h("div", { class: "figures" }, recordSection(app, details), wadati(details), stationMap(app, details), uncertainty(app, details), magnitudeChart(app, details)), arrivalTable(app, arrivals, details));
  } else parts.push(h("p", { class: "note" }, app.source.config.kind === "report"
    ? "This report does not have the arrivals of this event: see --arrivals of epicat report, or use epicat view."
    : "The store has no arrivals of this event."));
  return h("article", { class: "detail" }, ...parts.filter((part): part is HTMLElement => part !== null));
}

function heading(app: App, row: number): HTMLElement {
  const link = (step: number, text: string, key: string) => {
    const other = app.list.neighbour(row, step);
    return h("a", { class: "button", href: other === undefined ? undefined : app.eventAddress(other), "aria-disabled": other === undefined ? "true" : undefined, title: `${text} event of the list (key ${key})` }, step < 0 ? `\u2190 ${text}` : `${text} \u2192`);
  };
  return h("div", { class: "title" }, h("h2", {}, `Event ${app.catalog.id(row)}`), link(-1, "Previous", "p"), link(1, "Next", "n"), h("a", { class: "button", href: app.address() }, "Back to the catalog (Esc)"));
}

function summary(app: App, { row, place, associated }: EventDetails): HTMLElement {
  const { catalog } = app;
  const value = (name: string) => catalog.value(name, row);
  const code = (name: string) => catalog.columns.codes(name).at(row);
  const error = (v: number, decimals: number, unit: string) => (Number.isFinite(v) ? ` \u00b1 ${v.toFixed(decimals)} ${unit}` : ` ${unit}`);
  const moved = associated && distanceAzimuth(associated.latitude, associated.longitude, place.latitude, place.longitude);
  return facts([
    ["Origin time (UTC)", `${iso(place.time).replace("T", " ")}${Number.isFinite(value("time_error_s")) ? ` \u00b1 ${value("time_error_s").toFixed(2)} s` : ""}`],
    ["Epicenter", `${minus(place.latitude, 4)}°, ${minus(place.longitude, 4)}°`],
    ["Depth", `${minus(place.depth, 2)}${error(value("depth_error_km"), 2, "km")}${value("depth_fixed") === 1 ? ", fixed" : ""}`],
    ["Horizontal error (68 %)", Number.isFinite(value("major_km")) ? `${value("major_km").toFixed(2)} \u00d7 ${value("minor_km").toFixed(2)} km, major axis at ${value("azimuth_deg").toFixed(0)}°` : ""],
    ["Magnitude", Number.isFinite(value("magnitude")) ? `${minus(value("magnitude"), 2)} ${code("magnitude_type")}` : ""],
    ["Quality class", code("quality")],
    ["Phases", `${value("n_p")} P and ${value("n_s")} S at ${value("n_stations")} stations`],
    ["RMS", `${value("rms_s").toFixed(3)} s`],
    ["Azimuthal gap", `${value("gap_deg").toFixed(0)}°`],
    ["Nearest station", `${value("dmin_km").toFixed(1)} km`],
    ["Association", associated && moved ? `${minus(associated.latitude, 4)}°, ${minus(associated.longitude, 4)}°, ${minus(associated.depth, 1)} km; the location moved it by ${moved[0].toFixed(1)} km, ${minus(place.depth - associated.depth, 1)} km in depth and ${minus(place.time - associated.time, 2)} s` : ""],
    ["Edge of the search box", value("edge") === 1 ? "yes: the place is unreliable" : ""],
    ["Rejected", code("rejected")],
    ["Criterion no longer met", code("unmet")],
  ]);
}

export function recordSection(app: App, { place, arrivals, waveforms }: EventDetails): HTMLElement {
  const farthest = Math.max(...arrivals.map((a) => a.distance), 1) * 1.08;
  const latest = Math.max(...arrivals.map((a) => a.time - place.time), 1) * 1.15;
  const chart = new Chart("Record section", 620, 460, { range: [-0.04 * latest, latest], title: "Time after the origin (s)" }, { range: [farthest, 0], title: "Epicentral distance (km)" }, 46);
  for (const waveform of waveforms) {
    const amplitude = farthest / 26;
    chart.line(waveform.samples.map((v, i) => [waveform.start - place.time + i * waveform.step, waveform.distance - v * amplitude]), "trace");
  }
  if (app.details.travelTimes) {
    for (const phase of ["P", "S"] as const) {
      const points = Array.from({ length: 81 }, (_, i): [number, number] => {
        const distance = (farthest * i) / 80;
        return [travelTime(app.details.travelTimes!, phase, distance, place.depth), distance];
      });
      chart.line(points, `curve ${phase.toLowerCase()}`);
      const at = points.filter(([t]) => t < latest * 0.97).pop();
      if (at) chart.add(svg("text", { class: phase.toLowerCase(), x: chart.px(at[0]) - 5, y: chart.py(at[1]) - 5, "text-anchor": "end" }, `${phase} predicted`));
    }
  }
  const half = Math.max(5, Math.min(11, 4000 / arrivals.length / 40));
  const named = new Set<string>();
  // Stations at nearly the same distance: the label of the first one is drawn.
  const labels: number[] = [];
  for (const a of arrivals) {
    const [x, y] = [chart.px(a.time - place.time), chart.py(a.distance)];
    const title = `${a.trace} ${a.phase}: residual ${minus(a.residual, 3)} s, confidence ${a.confidence.toFixed(2)}`;
    chart.add(svg("line", { class: `pick ${a.phase.toLowerCase()}`, x1: x, x2: x, y1: y - half, y2: y + half }, svg("title", {}, title)));
    chart.add(svg("line", { class: "predicted", x1: chart.px(a.time - a.residual - place.time), x2: chart.px(a.time - a.residual - place.time), y1: y - half * 0.6, y2: y + half * 0.6 }));
    const station = stationOf(a.trace);
    const isFree = labels.every((at) => Math.abs(at - y) > 8);
    if (!named.has(station) && isFree) {
      labels.push(y);
      chart.outside(svg("text", { class: "small", x: chart.px(latest) + 4, y: y + 3 }, station.split(".")[1]));
    }
    named.add(station);
  }
  chart.element.append(h("p", { class: "note" }, "Long ticks: picks. Short ticks: predicted at that station, with its term. Curves: predicted without station terms."));
  return chart.element;
}

/** Pairs of P and S of a station. */
function pairs(arrivals: Arrival[]): { station: string; p: Arrival; s: Arrival }[] {
  const found = new Map<string, { p?: Arrival; s?: Arrival }>();
  for (const a of arrivals) {
    const station = stationOf(a.trace);
    const known = found.get(station) ?? {};
    if (a.phase.startsWith("P")) known.p ??= a;
    else if (a.phase.startsWith("S")) known.s ??= a;
    found.set(station, known);
  }
  return [...found].flatMap(([station, { p, s }]) => (p && s ? [{ station, p, s }] : []));
}

function wadati({ place, arrivals }: EventDetails): HTMLElement {
  const found = pairs(arrivals);
  const points = found.map(({ p, s }): [number, number] => [p.time - place.time, s.time - p.time]);
  const [x1, y1] = [Math.max(...points.map(([x]) => x), 1) * 1.1, Math.max(...points.map(([, y]) => y), 1) * 1.1];
  const chart = new Chart("Wadati diagram", 380, 300, { range: [0, x1], title: "P time after the origin (s)" }, { range: [0, y1], title: "S \u2212 P (s)" });
  chart.dots(points, "dot", 3.5, found.map(({ station }) => station));
  const line = robustLine(points);
  if (line) {
    chart.line([0, x1].map((x) => [x, line.intercept + line.slope * x]), "fit");
    const shift = line.slope ? -line.intercept / line.slope : NaN;
    chart.element.append(h("p", { class: "note" }, `vp/vs ${(1 + line.slope).toFixed(3)} from ${points.length} stations; S \u2212 P vanishes ${Math.abs(shift).toFixed(2)} s ${shift < 0 ? "before" : "after"} the origin time (repeated medians).`));
  } else chart.element.append(h("p", { class: "note" }, `${points.length} stations have P and S; a line takes three.`));
  return chart.element;
}

interface Local {
  x(longitude: number): number;
  y(latitude: number): number;
}

/** Kilometres east and north of an event. */
function local({ latitude, longitude }: Place): Local {
  const east = KM * Math.max(Math.cos((latitude * Math.PI) / 180), 0.01);
  return { x: (v) => ((((v - longitude + 540) % 360) - 180)) * east, y: (v) => (v - latitude) * KM };
}

function stationMap(app: App, details: EventDetails): HTMLElement {
  const { arrivals, place } = details;
  const at = local(place);
  const byStation = new Map<string, Arrival[]>();
  for (const a of arrivals) byStation.set(stationOf(a.trace), [...(byStation.get(stationOf(a.trace)) ?? []), a]);
  const positions = app.stations.map((s) => ({ station: s, x: at.x(s.longitude), y: at.y(s.latitude), own: byStation.get(stationOf(s.ids[0] ?? s.name)) ?? [] }));
  const hasMotions = arrivals.some((a) => !Number.isNaN(a.polarity));
  const sizes = new Map(details.magnitudes.filter((m) => Number.isFinite(m.value)).map((m) => [stationOf(m.trace), m]));
  const used = positions.filter(({ own }) => own.length);
  const reach = Math.max(...used.map(({ x, y }) => Math.max(Math.abs(x), Math.abs(y))), 5) * 1.12;
  const chart = new Chart("Stations and residuals", 430, 420, { range: [-reach, reach], title: "East of the epicenter (km)" }, { range: [-reach, reach], title: "North (km)" });
  for (const { x, y, own, station } of positions) {
    if (Math.abs(x) > reach || Math.abs(y) > reach) continue;
    const [u, v] = [chart.px(x), chart.py(y)];
    if (own.length) chart.add(svg("line", { class: "ray", x1: chart.px(0), y1: chart.py(0), x2: u, y2: v }));
    const motion = hasMotions ? own.find((a) => a.phase.startsWith("P"))?.polarity || 0 : NaN;
    const size = sizes.get(stationOf(station.ids[0] ?? station.name));
    const title = [station.name, ...own.map((a) => `${a.phase} ${minus(a.residual, 2)} s`), motionText(motion), size ? `magnitude ${size.bound ? "at most " : ""}${minus(size.value, 2)}` : ""].filter(Boolean).join(", ");
    chart.add(stationSymbol(u, v, own.length > 0, motion, title));
    for (const a of own) {
      const size = Math.min(Math.sqrt(Math.abs(a.residual)) * 16, 22);
      const side = a.phase.startsWith("P") ? -1 : 1;
      chart.add(svg("circle", { class: `residual ${a.residual < 0 ? "early" : "late"}`, cx: u + side * 9, cy: v, r: Math.max(size / 2, 0.5) }));
    }
    if (own.length && used.length <= 45) {
      chart.add(svg("text", { class: "small", x: u + 7, y: v - 7 }, station.name.split(".")[1] ?? station.name,
        size && svg("tspan", { class: "size" }, ` ${size.bound ? "<" : ""}${minus(size.value, 1)}`)));
    }
  }
  drawPlaces(app, details, chart, at);
  chart.element.append(h("p", { class: "note" }, "Circles left of a station: P residual, right: S. Filled: the pick is late, open: early. Star: location, cross: association."));
  const moved = used.filter(({ own }) => own.some((a) => a.polarity === 1 || a.polarity === -1)).length;
  if (hasMotions) chart.element.append(h("p", { class: "note" }, `First motion: \u25b2 up, \u25bd down, \u25c6 undecided or not measured (${moved} of ${used.length} decided).`));
  if (sizes.size) chart.element.append(h("p", { class: "note" }, "Numbers: station magnitudes, < for upper bounds."));
  return chart.element;
}

function motionText(motion: number): string {
  return motion === 1 ? "first motion up" : motion === -1 ? "first motion down" : "";
}

/** Filled upwards: first motion up, or none of the event is known; open downwards: down; a diamond: undecided. */
function stationSymbol(u: number, v: number, used: boolean, motion: number, title: string): SVGElement {
  const up = `M${u} ${v - 5.5}l5 9h-10z`;
  const down = `M${u} ${v + 5.5}l5 -9h-10z`;
  const diamond = `M${u} ${v - 5}l4.5 5l-4.5 5l-4.5 -5z`;
  const [name, path] = !used ? ["station", up] : motion === -1 ? ["station down", down] : motion === 0 ? ["station used", diamond] : ["station used", up];
  return svg("path", { class: name, d: path }, svg("title", {}, title));
}

function star(x: number, y: number): SVGElement {
  const points = Array.from({ length: 10 }, (_, i) => {
    const [r, a] = [i % 2 ? 3 : 7.5, (Math.PI * i) / 5 - Math.PI / 2];
    return `${(x + r * Math.cos(a)).toFixed(1)},${(y + r * Math.sin(a)).toFixed(1)}`;
  });
  return svg("polygon", { class: "star", points: points.join(" ") });
}

function drawPlaces(app: App, { row, associated }: EventDetails, chart: Chart, at: Local): void {
  const value = (name: string) => app.catalog.value(name, row);
  const [major, minor, azimuth] = [value("major_km"), value("minor_km"), value("azimuth_deg")];
  if (Number.isFinite(major)) {
    const kx = (chart.px(1) - chart.px(0));
    chart.add(svg("ellipse", { class: "ellipse", cx: 0, cy: 0, rx: minor * kx, ry: major * kx, transform: `translate(${chart.px(0)} ${chart.py(0)}) rotate(${azimuth})` }));
  }
  if (associated) {
    const [u, v] = [chart.px(at.x(associated.longitude)), chart.py(at.y(associated.latitude))];
    chart.add(svg("path", { class: "cross", d: `M${u - 6} ${v - 6}l12 12m0 -12l-12 12` }, svg("title", {}, "Association")));
  }
  chart.add(star(chart.px(0), chart.py(0)));
}

/** Semi-axes of 68 % in two dimensions, in standard deviations: those of the horizontal ellipse are such. */
const TWO_DIMENSIONS = Math.sqrt(-2 * Math.log(1 - 0.6827));

/** Points of the ellipse with these half-widths in east and depth, and their scaled covariance. */
export function depthEllipse(east: number, depth: number, covariance: number): [number, number][] {
  const correlation = Math.min(Math.max(covariance / (east * depth) || 0, -1), 1);
  const rest = Math.sqrt(1 - correlation ** 2);
  return Array.from({ length: 73 }, (_, i): [number, number] => {
    const [c, s] = [Math.cos((i * Math.PI) / 36), Math.sin((i * Math.PI) / 36)];
    return [east * c, depth * (correlation * c + rest * s)];
  });
}

function uncertainty(app: App, details: EventDetails): HTMLElement {
  const { row, place, associated } = details;
  const at = local(place);
  const value = (name: string) => app.catalog.value(name, row);
  const [major, error] = [value("major_km") || 0, value("depth_error_km") || 0];
  const shift = associated ? Math.max(Math.abs(at.x(associated.longitude)), Math.abs(at.y(associated.latitude)), Math.abs(associated.depth - place.depth)) : 0;
  const reach = Math.max(2 * major, 2 * TWO_DIMENSIONS * error, 1.3 * shift, 1);
  const chart = new Chart("Uncertainty in depth", 380, 300, { range: [-reach, reach], title: "East of the epicenter (km)" }, { range: [place.depth + reach, place.depth - reach], title: "Depth (km)" });
  if (Number.isFinite(value("major_km"))) {
    const angle = (value("azimuth_deg") * Math.PI) / 180;
    const east = Math.hypot(major * Math.sin(angle), value("minor_km") * Math.cos(angle));
    chart.area(depthEllipse(east, error * TWO_DIMENSIONS, value("cov_ez_km2") * TWO_DIMENSIONS ** 2).map(([x, z]) => [x, place.depth + z]), "ellipse");
  }
  if (associated) {
    const [u, v] = [chart.px(at.x(associated.longitude)), chart.py(associated.depth)];
    chart.add(svg("path", { class: "cross", d: `M${u - 6} ${v - 6}l12 12m0 -12l-12 12` }));
  }
  chart.add(star(chart.px(0), chart.py(place.depth)));
  chart.element.append(h("p", { class: "note" }, Number.isFinite(value("major_km")) ? "Ellipse: 68 % of east and depth together. Star: location, cross: association." : "The event was not located: no uncertainty is known."));
  return chart.element;
}

function magnitudeChart(app: App, { row, magnitudes }: EventDetails): HTMLElement | null {
  const known = magnitudes.filter((m) => Number.isFinite(m.value));
  if (!known.length) return null;
  const network = app.catalog.value("magnitude", row);
  const values = [...known.map((m) => m.value), ...(Number.isFinite(network) ? [network] : [])];
  const range: [number, number] = [Math.min(...values) - 0.3, Math.max(...values) + 0.3];
  const farthest = Math.max(...known.map((m) => m.distance)) * 1.12;
  const chart = new Chart("Station magnitudes", 430, 300, { range: [0, farthest], title: "Hypocentral distance (km)" }, { range, title: "Magnitude" });
  if (Number.isFinite(network)) chart.line([[0, network], [farthest, network]], "fit");
  for (const m of known) {
    const [u, v] = [chart.px(m.distance), chart.py(m.value)];
    const title = `${m.trace}: ${m.bound ? "at most " : ""}${minus(m.value, 2)}${m.flag ? `, ${m.flag}` : ""}`;
    const shape = m.bound ? svg("path", { class: "open-dot", d: `M${u - 4} ${v - 3}h8l-4 7z` }, svg("title", {}, title)) : svg("circle", { class: m.weight > 0 ? "dot" : "open-dot", cx: u, cy: v, r: 3.5 }, svg("title", {}, title));
    chart.add(shape);
    const isLast = u > chart.width - 60;
    if (known.length <= 40) chart.add(svg("text", { class: "small", x: isLast ? u - 6 : u + 6, y: v + 3, "text-anchor": isLast ? "end" : "start" }, stationOf(m.trace).split(".")[1]));
  }
  chart.element.append(h("p", { class: "note" }, `Line: network magnitude. Filled: used (${known.filter((m) => !m.bound && m.weight > 0).length}), open: not used, triangles: upper bounds.`));
  return chart.element;
}

function arrivalTable(app: App, arrivals: Arrival[], { place }: EventDetails): HTMLElement {
  const rows = arrivals.map((a) => {
    const predicted = app.details.travelTimes ? travelTime(app.details.travelTimes, a.phase.startsWith("S") ? "S" : "P", a.distance, place.depth) : NaN;
    return [
      h("a", { href: `#/station/${encodeURIComponent(stationOf(a.trace))}` }, a.trace), a.phase, iso(a.time).replace("T", " "), minus(a.time - place.time, 2), minus(predicted, 2), minus(a.residual, 3),
      minus(a.term, 3), minus(a.weight, 2), minus(a.confidence, 2), minus(a.distance, 1), minus(a.azimuth, 0), a.polarity === 1 ? "up" : a.polarity === -1 ? "down" : a.polarity === 0 ? "undecided" : "", a.added ? "added by the location" : "",
    ];
  });
  return h("section", {}, h("h3", {}, "Arrivals"), table(["Trace", "Phase", "Pick (UTC)", "Travel time (s)", "Model (s)", "Residual (s)", "Station term (s)", "Weight", "Confidence", "Distance (km)", "Azimuth (°)", "First motion", ""], rows, "Arrivals"));
}
