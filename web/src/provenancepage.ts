// Where the catalog is from.
import { h, type Child } from "./dom";
import { facts, table } from "./chart";
import { count } from "./scales";
import type { Config } from "./source";

export interface Provenance {
  name: string;
  digests: Record<string, string>;
  records: Record<string, unknown>;
  invocations: Record<string, unknown>[];
  units: { stage: string; status: string; count: number }[];
}

export function provenancePage(config: Config, found: Provenance): HTMLElement {
  return h("article", { class: "detail" },
    h("h2", {}, "Provenance"),
    facts([["Name", found.name], ["Store", config.location], ["Page", `made ${config.created.replace("T", " ").replace("Z", " UTC")} by epicat ${config.version}`], ...Object.entries(found.digests).map(([kind, digest]): [string, Child] => [`Digest of the ${kind}`, h("code", {}, digest)])]),
    h("div", { class: "masonry" },
      h("section", {}, h("h3", {}, "Units of work"), table(["Stage", "Status", "Number"], found.units.map((u) => [u.stage, u.status, count(u.count)]), "Units of work")),
      h("section", {}, h("h3", {}, "Invocations"), ...found.invocations.slice(-20).reverse().map((i) => tree(i.time ? { ...i, time: moment(i.time) } : i))),
      ...Object.entries(found.records).map(([kind, record]) => h("section", {}, h("h3", {}, `Settings: ${kind}`), tree(record)))));
}

/** A time of the store, such as 2024-03-01T02:30:56.123456+00:00, to the second. */
function moment(time: unknown): string {
  return String(time).replace("T", " ").replace(/(\.\d+)?(\+00:00|Z)$/, " UTC");
}

/** A nested record as nested lists of terms. */
function tree(value: unknown): HTMLElement {
  if (Array.isArray(value)) {
    const plain = value.every((item) => typeof item !== "object" || item === null);
    return plain ? h("span", {}, value.map(String).join(", ") || "none") : h("ul", {}, ...value.map((item) => h("li", {}, tree(item))));
  }
  if (typeof value === "object" && value !== null) {
    if (!Object.keys(value).length) return h("span", {}, "none");
    return h("dl", { class: "facts" }, ...Object.entries(value).flatMap(([key, inner]) => [h("dt", {}, key), h("dd", {}, tree(inner))]));
  }
  return h("span", {}, value === null ? "none" : value === "" ? "\u2013" : String(value));
}
