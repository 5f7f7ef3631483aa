// The selection as files: CSV with the columns of `epicat export`, and QuakeML 1.2.
import type { Catalog } from "./catalog";
import type { Config } from "./source";
import { isoMicro } from "./scales";
import type { Arrival } from "./arrivals";

const CSV: [string, number][] = [
  ["latitude", 5], ["longitude", 5], ["depth_km", 3], ["n_p", 0], ["n_s", 0], ["n_stations", 0], ["rms_s", 3], ["gap_deg", 1],
  ["dmin_km", 3], ["magnitude", 2], ["major_km", 3], ["minor_km", 3], ["azimuth_deg", 1], ["depth_error_km", 3], ["time_error_s", 3],
];
const CODES = ["magnitude_type", "quality", "rejected"];

export function csvOf(catalog: Catalog, rows: ArrayLike<number>): string[] {
  const parts = [["event_id", "time", ...CSV.map(([name]) => name), ...CODES].join(",") + "\n"];
  for (let at = 0; at < rows.length; at++) {
    const row = rows[at];
    const cells = [catalog.id(row), isoMicro(catalog.arrays.time[row])];
    for (const [name, decimals] of CSV) {
      const value = catalog.value(name, row);
      cells.push(Number.isNaN(value) ? "" : fixed(value, decimals));
    }
    for (const name of CODES) cells.push(quoted(catalog.columns.codes(name).at(row)));
    parts.push(cells.join(",") + "\n");
  }
  return parts;
}

/** No -0.000. */
function fixed(value: number, decimals: number): string {
  const text = value.toFixed(decimals);
  return /^-0(\.0*)?$/.test(text) ? text.slice(1) : text;
}

function quoted(text: string): string {
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

const POLARITIES: Record<string, string> = {
  "1": "<polarity>positive</polarity>", "-1": "<polarity>negative</polarity>", "0": "<polarity>undecidable</polarity>",
};
const KM_PER_DEGREE = 111.195;

export function quakemlOf(catalog: Catalog, rows: ArrayLike<number>, config: Config, arrivals: (row: number) => Arrival[]): string[] {
  const parts = [
    '<?xml version="1.0" encoding="UTF-8"?>\n<q:quakeml xmlns:q="http://quakeml.org/xmlns/quakeml/1.2" xmlns="http://quakeml.org/xmlns/bed/1.2">\n',
    `<eventParameters publicID="${uri("catalog", config.associator || "selection")}">\n`,
  ];
  for (let at = 0; at < rows.length; at++) parts.push(eventXml(catalog, rows[at], config, arrivals(rows[at])));
  parts.push("</eventParameters>\n</q:quakeml>\n");
  return parts;
}

function uri(kind: string, name: string): string {
  return `smi:local/epicat/${kind}/${escapedUri(name)}`;
}

function escapedUri(name: string): string {
  return name.replace(/[^\w\-.*()+/]/gu, (letter) => `~${letter.codePointAt(0)!.toString(16)}~`);
}

function xml(text: string): string {
  return text
    .replace(/[^\u0009\u000a\u000d\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, "\ufffd")
    .replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}

function element(name: string, value: number, decimals: number): string {
  return Number.isFinite(value) ? `<${name}>${fixed(value, decimals)}</${name}>` : "";
}

function quantity(name: string, value: number, decimals: number, error = NaN, level = true): string {
  const confidence = Number.isFinite(error) && level ? "<confidenceLevel>68</confidenceLevel>" : "";
  return `<${name}>${element("value", value, decimals)}${element("uncertainty", error, decimals)}${confidence}</${name}>`;
}

function eventXml(catalog: Catalog, row: number, config: Config, arrivals: Arrival[]): string {
  const id = catalog.id(row);
  const value = (name: string) => catalog.value(name, row);
  const origin = uri("origin", id);
  const why = catalog.columns.codes("rejected").at(row);
  const picks = arrivals.map((a, k) => pickXml(a, `${id}/${k}`)).join("");
  const magnitude = Number.isNaN(value("magnitude")) ? "" :
    `<magnitude publicID="${uri("magnitude", id)}">${quantity("mag", value("magnitude"), 2)}<type>${xml(catalog.columns.codes("magnitude_type").at(row) || "M")}</type><originID>${origin}</originID></magnitude>\n`;
  const [t, s] = [isoMicro(catalog.arrays.time[row]), value("time_error_s")];
  return `<event publicID="${uri("event", id)}">\n<preferredOriginID>${origin}</preferredOriginID>\n<type>earthquake</type><typeCertainty>suspected</typeCertainty>\n` +
    (why ? `<comment><text>Rejected: ${xml(why)}</text></comment>\n` : "") + picks +
    `<origin publicID="${origin}">\n<time><value>${t}</value>${element("uncertainty", s, 3)}</time>\n` +
    `${quantity("latitude", value("latitude"), 5)}${quantity("longitude", value("longitude"), 5)}` +
    `${quantity("depth", value("depth_km") * 1000, 0, value("depth_error_km") * 1000)}\n` +
    `<depthType>${value("depth_fixed") === 1 ? "operator assigned" : "from location"}</depthType>` +
    `<methodID>${uri("location", config.location_id || config.associator || "unknown")}</methodID>\n` +
    `<quality><usedPhaseCount>${catalog.arrays.phases[row]}</usedPhaseCount>${element("usedStationCount", value("n_stations"), 0)}` +
    `${element("standardError", value("rms_s"), 3)}${element("azimuthalGap", value("gap_deg"), 1)}${element("minimumDistance", value("dmin_km") / KM_PER_DEGREE, 6)}</quality>` +
    `<type>hypocenter</type>${ellipse(value("major_km"), value("minor_km"), value("azimuth_deg"))}` +
    `<evaluationMode>automatic</evaluationMode><evaluationStatus>${why ? "rejected" : "preliminary"}</evaluationStatus>\n` +
    `${arrivals.map((a, k) => arrivalXml(a, `${id}/${k}`)).join("")}</origin>\n${magnitude}</event>\n`;
}

function ellipse(major: number, minor: number, azimuth: number): string {
  if (!Number.isFinite(major) || !Number.isFinite(minor)) return "";
  return `<originUncertainty>${element("minHorizontalUncertainty", minor * 1000, 0)}${element("maxHorizontalUncertainty", major * 1000, 0)}` +
    `${element("azimuthMaxHorizontalUncertainty", azimuth, 1)}<preferredDescription>uncertainty ellipse</preferredDescription><confidenceLevel>68</confidenceLevel></originUncertainty>`;
}

function pickXml(arrival: Arrival, name: string): string {
  const [network, station, location] = [...arrival.trace.split("."), "", "", ""];
  const place = location === "*" ? "" : ` locationCode="${xml(location)}"`;
  return `<pick publicID="${uri("pick", name)}"><time><value>${isoMicro(arrival.time)}</value></time>` +
    `<waveformID networkCode="${xml(network)}" stationCode="${xml(station)}"${place}/><phaseHint>${xml(arrival.phase)}</phaseHint>${POLARITIES[String(arrival.polarity)] ?? ""}<evaluationMode>automatic</evaluationMode></pick>\n`;
}

function arrivalXml(arrival: Arrival, name: string): string {
  return `<arrival publicID="${uri("arrival", name)}"><pickID>${uri("pick", name)}</pickID><phase>${xml(arrival.phase)}</phase>` +
    `${element("azimuth", arrival.azimuth, 1)}${element("distance", arrival.distance / KM_PER_DEGREE, 6)}${element("timeResidual", arrival.residual, 3)}` +
    `${element("timeWeight", arrival.weight, 3)}</arrival>\n`;
}
