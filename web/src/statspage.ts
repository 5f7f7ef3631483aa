// Statistics of the selected events: distributions, frequency-magnitude, residuals.  Also as JSON.
import { h, save } from "./dom";
import type { App } from "./app";
import { Chart, confidenceChart, facts, histogram, histogramChart, minus, table, type Histogram } from "./chart";
import { bPositive, bValue, binned, maximumCurvature, median, stableCompleteness, type BValue } from "./numbers";
import { residualsOf, type Residuals, type Spread } from "./readings";
import { count, numberTicks, withMinus } from "./scales";

const WIDTH = 0.1;

export interface Statistics {
  events: number;
  histograms: Record<string, Histogram>;
  medians: Record<string, number>;
  magnitudes: {
    bin: number;
    counts: { magnitude: number; count: number; cumulative: number }[];
    completeness: number;
    completeness_b_stability: number;
    b: BValue | null;
    b_stability: BValue | null;
    b_positive: BValue | null;
    b_by_completeness: { completeness: number; b: number; error: number }[];
  } | null;
  interevent_seconds: Histogram & { median: number };
  /** Of all picks of the run, also those of no event, in bins from 0 to 1. */
  confidence: { bins: number; P: number[]; S: number[] } | null;
  residuals: Residuals | null;
}

const FIELDS: [string, string, string, number][] = [
  ["depth_km", "Depth", "Depth (km)", 40], ["rms_s", "RMS of residuals", "RMS (s)", 40], ["gap_deg", "Azimuthal gap", "Gap (°)", 36], ["phases", "Phases", "Phases", 40], ["n_stations", "Stations", "Stations", 40],
];

function statistics(app: App, rows: Uint32Array): Omit<Statistics, "residuals"> {
  const { catalog } = app;
  const histograms: Record<string, Histogram> = {};
  const medians: Record<string, number> = {};
  for (const [name, , , bins] of FIELDS) {
    const values = Float64Array.from(rows, (row) => (name === "phases" ? catalog.arrays.phases[row] : catalog.value(name, row)));
    histograms[name] = spreadHistogram(values, bins, name === "phases" || name === "n_stations");
    medians[name] = median(values);
  }
  const times = Float64Array.from(rows, (row) => catalog.arrays.time[row]).sort();
  const gaps = Float64Array.from({ length: Math.max(times.length - 1, 0) }, (_, i) => Math.max(times[i + 1] - times[i], 1e-3));
  return {
    events: rows.length, histograms, medians,
    magnitudes: magnitudes(app, rows),
    interevent_seconds: { ...histogram(gaps.map(Math.log10), -2, 8, 50), median: median(gaps) },
    confidence: confidence(app),
  };
}

function confidence(app: App): Statistics["confidence"] {
  const all = Object.values(app.details.confidence);
  const sum = (phase: string) => all.reduce<number[]>((total, one) => (one[phase] ?? []).reduce((bins, n, i) => { bins[i] = (bins[i] ?? 0) + n; return bins; }, total), []);
  const [P, S] = [sum("P"), sum("S")];
  const bins = Math.max(P.length, S.length);
  return bins ? { bins, P, S } : null;
}

function spreadHistogram(values: Float64Array, bins: number, whole: boolean): Histogram {
  const known = values.filter(Number.isFinite).sort();
  if (!known.length) return histogram([], 0, 1, bins);
  const high = known[Math.min(known.length - 1, Math.floor(known.length * 0.998))];
  const low = Math.min(0, known[0]);
  if (!whole) return histogram(known, low, Math.max(high, low + 1e-3), bins);
  const step = Math.max(1, Math.ceil((high + 1) / bins));
  return histogram(known, 0, step * Math.ceil((high + 1) / step), Math.ceil((high + 1) / step));
}

function magnitudes(app: App, rows: Uint32Array): Statistics["magnitudes"] {
  const inTime = Uint32Array.from(rows).sort();
  const values = binned(Array.from(inTime, (row) => app.catalog.value("magnitude", row)), WIDTH);
  if (!values.length) return null;
  const complete = maximumCurvature(values, WIDTH);
  const stable = stableCompleteness(values, WIDTH);
  const bins = new Map<number, number>();
  for (const m of values) bins.set(Math.round(m / WIDTH), (bins.get(Math.round(m / WIDTH)) ?? 0) + 1);
  const [low, high] = [Math.min(...bins.keys()), Math.max(...bins.keys())];
  const counts = [];
  let cumulative = values.length;
  for (let bin = low; bin <= high; bin++) {
    const own = bins.get(bin) ?? 0;
    counts.push({ magnitude: Number((bin * WIDTH).toFixed(6)), count: own, cumulative });
    cumulative -= own;
  }
  const byCompleteness = counts.map(({ magnitude }) => ({ completeness: magnitude, found: bValue(values, magnitude, WIDTH) }))
    .filter(({ found }) => found && found.count >= 50).map(({ completeness, found }) => ({ completeness, b: found!.b, error: found!.error }));
  return {
    bin: WIDTH, counts, completeness: complete, completeness_b_stability: stable,
    b: bValue(values, complete, WIDTH), b_stability: Number.isNaN(stable) ? null : bValue(values, stable, WIDTH), b_positive: bPositive(values, WIDTH), b_by_completeness: byCompleteness,
  };
}

export async function statisticsPage(app: App): Promise<HTMLElement> {
  const rows = await app.painter.rows(app.limits(), "time", false);
  const found = statistics(app, rows);
  const residuals = residualsOf(app, app.filter);
  const tables = h("section", { "aria-live": "polite" }, h("p", { class: "note" }, "Reading the arrivals of the selected events \u2026"));
  void residuals.then((read) => tables.replaceWith(read ? residualTables(read) : h("p", { class: "note" }, "The page has no arrivals of the selected events.")))
    .catch((error: Error) => tables.replaceChildren(h("p", { class: "note", role: "alert" }, `No residuals: ${error.message}`)));
  const saveNumbers = async () => {
    const numbers: Statistics = { ...found, residuals: await residuals };
    save("statistics.json", "application/json", [JSON.stringify(numbers, (_, v) => (typeof v === "number" && !Number.isFinite(v) ? null : v), 1)]);
  };
  const { interevent_seconds: gaps } = found;
  const decades = numberTicks(-2, 8, 6).map(({ value }) => ({ value, label: value === 0 ? "1" : `10${superscript(value)}` }));
  const most = Math.max(1, ...gaps.counts);
  const times = new Chart("Times between events", 380, 210, { range: [-2, 8], title: "Seconds", ticks: decades }, { range: [0, most * 1.05], title: "Events" }).bars(gaps.edges, gaps.counts, "bars");
  times.element.append(h("p", { class: "note" }, `Median ${Number(gaps.median.toPrecision(3)).toLocaleString("en")} s`));
  return h("article", { class: "detail" },
    h("div", { class: "title" }, h("h2", {}, `Statistics of ${count(rows.length)} selected events`),
      h("button", { type: "button", onclick: () => void saveNumbers() }, "Numbers as JSON"),
      h("a", { class: "button", href: app.address() }, "Change the selection")),
    h("div", { class: "figures" }, found.magnitudes ? frequencyMagnitude(found.magnitudes) : null, found.magnitudes ? stability(found.magnitudes) : null,
      ...FIELDS.map(([name, title, axis]) => histogramChart(title, axis, found.histograms[name], `Median ${minus(found.medians[name], decimals(name, found.medians[name]))}`)), times.element, found.confidence && confidenceChart("Confidence of all picks", found.confidence.P, found.confidence.S)),
    found.magnitudes ? null : h("p", { class: "note" }, "The selected events have no magnitudes."),
    tables);
}

/** Decimals of a median; those of counts are whole or end in a half. */
function decimals(name: string, median: number): number {
  return { depth_km: 1, rms_s: 3, gap_deg: 0 }[name] ?? (Number.isInteger(median) ? 0 : 1);
}

function superscript(value: number): string {
  return String(value).replace("-", "\u207b").replace(/\d/g, (d) => "\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079"[Number(d)]);
}

function bText(found: BValue | null): string {
  return found ? `${found.b.toFixed(3)} \u00b1 ${found.error.toFixed(3)} (${count(found.count)})` : "fewer than 10 values";
}

function frequencyMagnitude(m: NonNullable<Statistics["magnitudes"]>): HTMLElement {
  const [low, high] = [m.counts[0].magnitude - 0.2, m.counts[m.counts.length - 1].magnitude + 0.3];
  const top = Math.ceil(Math.log10(m.counts[0].cumulative * 1.2));
  const ticks = Array.from({ length: top + 1 }, (_, k) => ({ value: k, label: k ? count(10 ** k) : "1" }));
  const chart = new Chart("Frequency and magnitude", 480, 330, { range: [low, high], title: "Magnitude" }, { range: [-0.15, top], title: "Events", ticks });
  const log = (n: number) => (n > 0 ? Math.log10(n) : NaN);
  chart.dots(m.counts.map((c) => [c.magnitude, log(c.count)]), "open-dot", 2.5);
  chart.dots(m.counts.map((c) => [c.magnitude, log(c.cumulative)]), "dot", 2.5);
  if (m.b) {
    const at = (x: number) => Math.log10(m.b!.count) - m.b!.b * (x - m.completeness);
    chart.line([[m.completeness, at(m.completeness)], [high, at(high)]], "fit");
  }
  chart.line([[m.completeness, -1], [m.completeness, top]], "limit");
  chart.element.append(facts([
    ["Completeness, maximum curvature + 0.2", withMinus(m.completeness.toFixed(1))],
    ["b (Aki and Utsu, error of Shi and Bolt)", bText(m.b)],
    ["Completeness by stability of b", Number.isNaN(m.completeness_b_stability) ? "not reached" : withMinus(m.completeness_b_stability.toFixed(1))],
    ["b from there", m.b_stability ? bText(m.b_stability) : ""],
    ["b-positive", bText(m.b_positive)],
  ]), h("p", { class: "note" }, "Filled: events of at least this magnitude; open: of this magnitude, in bins of 0.1."));
  return chart.element;
}

function stability(m: NonNullable<Statistics["magnitudes"]>): HTMLElement | null {
  const rows = m.b_by_completeness;
  if (rows.length < 2) return null;
  const highest = Math.max(...rows.map((r) => r.b + r.error)) * 1.1;
  const chart = new Chart("b by completeness", 380, 330, { range: [rows[0].completeness - 0.1, rows[rows.length - 1].completeness + 0.1], title: "Completeness assumed" }, { range: [0, highest], title: "b" });
  for (const { completeness, b, error } of rows) chart.line([[completeness, b - error], [completeness, b + error]], "error");
  chart.dots(rows.map((r) => [r.completeness, r.b]), "dot", 2.5);
  chart.line([[m.completeness, 0], [m.completeness, highest]], "limit");
  chart.element.append(h("p", { class: "note" }, "From completeness on, b should not change by more than its error."));
  return chart.element;
}

function residualTables(found: Residuals): HTMLElement {
  const cells = (s: Spread) => [count(s.count), minus(s.median, 3), minus(s.mad, 3)];
  return h("section", { class: "columns", "aria-label": "Residuals of the arrivals that the page has" },
    h("div", {}, h("h3", {}, "Residuals by phase"), table(["Phase", "Arrivals", "Median (s)", "MAD (s)"], Object.entries(found.phases).map(([phase, s]) => [phase, ...cells(s)]), "Residuals by phase")),
    h("div", {}, h("h3", {}, "By distance"), table(["Distance (km)", "Phase", "Arrivals", "Median (s)", "MAD (s)"], found.distances.map((d) => [`${d.from_km}\u2013${d.to_km}`, d.phase, ...cells(d.spread)]), "Residuals by distance")),
    h("div", {}, h("h3", {}, "By station"), table(["Station", "Phase", "Arrivals", "Median (s)", "MAD (s)"], found.stations.map((d) => [h("a", { href: `#/station/${encodeURIComponent(d.station)}` }, d.station), d.phase, ...cells(d.spread)]), "Residuals by station")));
}
