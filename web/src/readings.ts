// Residuals of arrivals and of station magnitudes: of a station, and their spread in the catalog.
import type { App } from "./app";
import { Columns } from "./columns";
import { stationOf } from "./eventpage";
import { formatFilter, type Filter } from "./filter";
import { mad, median } from "./numbers";
import { json } from "./source";

export interface Reading {
  /** Seconds since 1970. */
  time: number;
  phase: string;
  /** Seconds. */
  residual: number;
  /** Epicentral, km. */
  distance: number;
}

export interface MagnitudeReading {
  time: number;
  /** Station magnitude minus that of the event. */
  residual: number;
  /** Hypocentral, km. */
  distance: number;
}

export interface StationReadings {
  arrivals: Reading[];
  magnitudes: MagnitudeReading[];
}

export interface Spread {
  count: number;
  median: number;
  mad: number;
}

export interface Residuals {
  phases: Record<string, Spread>;
  distances: { from_km: number; to_km: number; phase: string; spread: Spread }[];
  stations: { station: string; phase: string; spread: Spread }[];
}

/** All readings of a station, `NET.STA`: of the catalog from a server, else of the arrivals in the report. */
export async function readingsOf(app: App, station: string): Promise<StationReadings> {
  const { source, details } = app;
  if (source.config.kind === "server") {
    const [arrivals, magnitudes] = await Promise.all(["readings", "magnitude-readings"].map((kind) => source.bytes(`${kind}/${station}`)));
    return { arrivals: arrivalsIn(new Columns([arrivals])), magnitudes: magnitudesIn(new Columns([magnitudes]), station) };
  }
  await details.need("arrivals", "magnitudeReadings");
  const arrivals: Reading[] = [];
  for (let i = 0; i < details.arrivals!.length; i++) {
    const a = details.arrivals!.at(i);
    if (stationOf(a.trace) === station) arrivals.push(a);
  }
  return { arrivals, magnitudes: magnitudesIn(details.magnitudeReadings!, station) };
}

function arrivalsIn(columns: Columns): Reading[] {
  const [time, residual, distance] = ["time", "residual_s", "distance_km"].map((name) => columns.number(name));
  const phase = columns.codes("phase");
  return Array.from({ length: columns.length }, (_, i) => ({ time: time[i], phase: phase.at(i), residual: residual[i], distance: distance[i] }));
}

function magnitudesIn(columns: Columns, station: string): MagnitudeReading[] {
  const [time, residual, distance] = ["time", "residual", "distance_km"].map((name) => columns.number(name));
  const stations = columns.codes("station");
  const found: MagnitudeReading[] = [];
  for (let i = 0; i < columns.length; i++) if (stations.at(i) === station) found.push({ time: time[i], residual: residual[i], distance: distance[i] });
  return found;
}

/** The spread of the residuals of selected events; null if there is no arrival. */
export async function residualsOf(app: App, filter: Filter): Promise<Residuals | null> {
  if (app.source.config.kind === "server") return json(app.source, "residuals", formatFilter(filter));
  await app.details.need("arrivals");
  return residualTables(app, await app.painter.rows(app.catalog.limits(filter), "time", false));
}

/** The same numbers as `residual_tables` in src/epicat/viewer/readings.py. */
function residualTables(app: App, rows: Uint32Array): Residuals | null {
  const phases = new Map<string, number[]>();
  const distances = new Map<string, number[]>();
  const stations = new Map<string, number[]>();
  const put = (map: Map<string, number[]>, key: string, value: number) => {
    const list = map.get(key);
    if (list) list.push(value);
    else map.set(key, [value]);
  };
  let farthest = 0;
  for (const row of rows) for (const a of app.arrivalsOf(row)) farthest = Math.max(farthest, a.distance || 0);
  const step = [5, 10, 20, 25, 50, 100, 200].find((s) => farthest / s <= 14) ?? 500;
  for (const row of rows) {
    for (const a of app.arrivalsOf(row)) {
      if (Number.isNaN(a.residual)) continue;
      put(phases, a.phase, a.residual);
      put(distances, `${Math.floor((a.distance || 0) / step)}\n${a.phase}`, a.residual);
      put(stations, `${stationOf(a.trace)}\n${a.phase}`, a.residual);
    }
  }
  if (!phases.size) return null;
  const parted = (map: Map<string, number[]>) => [...map].map(([key, values]) => [...key.split("\n"), spread(values)] as [string, string, Spread]);
  const inOrder = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
  return {
    phases: Object.fromEntries([...phases].sort(([a], [b]) => inOrder(a, b)).map(([phase, values]) => [phase, spread(values)])),
    distances: parted(distances).map(([bin, phase, own]) => ({ from_km: Number(bin) * step, to_km: (Number(bin) + 1) * step, phase, spread: own }))
      .sort((a, b) => a.from_km - b.from_km || inOrder(a.phase, b.phase)),
    stations: parted(stations).map(([station, phase, own]) => ({ station, phase, spread: own }))
      .sort((a, b) => inOrder(a.station, b.station) || inOrder(a.phase, b.phase)),
  };
}

function spread(values: number[]): Spread {
  return { count: values.length, median: median(values), mad: mad(values) };
}
