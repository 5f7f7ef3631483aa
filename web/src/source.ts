// Where the page's data come from: the report itself, or the server that served the page.

export interface Config {
  kind: "report" | "server";
  title: string;
  location: string;
  run: string;
  associator: string;
  location_id: string;
  version: string;
  created: string;
  n_events: number;
  view: [number, number, number, number];
  extent: [number, number, number, number] | null;
  tiles: string;
  can_review?: boolean;
}

export interface Source {
  readonly config: Config;
  /** The events, as Arrow streams in the order of time; `first` is enough for a first map. */
  events(): Promise<{ first: Uint8Array[]; rest: Promise<Uint8Array[]> | null }>;
  bytes(name: string, query?: URLSearchParams): Promise<Uint8Array>;
  has(name: string): boolean;
}

export async function json<T>(source: Source, name: string, query?: URLSearchParams): Promise<T> {
  return JSON.parse(new TextDecoder().decode(await source.bytes(name, query))) as T;
}

/** Data in `<script type="application/gzip" id="data-NAME">`, gzip and base64. */
class Embedded implements Source {
  constructor(readonly config: Config) {}

  has(name: string): boolean {
    return document.getElementById(`data-${name}`) !== null;
  }

  async events() {
    return { first: [await this.bytes("events")], rest: null };
  }

  async bytes(name: string): Promise<Uint8Array> {
    const element = document.getElementById(`data-${name}`);
    if (!element) throw new Error(`this report has no ${name}`);
    const packed = decoded(element.textContent!.trim());
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Uint8Array(await new Response(stream).arrayBuffer());
  }
}

function decoded(base64: string): Uint8Array<ArrayBuffer> {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

/** Events of the first map, if the newest month has fewer. */
const ENOUGH = 10_000;
const AT_ONCE = 3;

/** Data below `data/`, with the cookie that the server set for its token. */
class Remote implements Source {
  constructor(readonly config: Config) {}

  has(): boolean {
    return true;
  }

  /** By month, the newest first. */
  async events() {
    const months = await json<{ name: string; events: number }[]>(this, "months");
    let at = months.length;
    for (let n = 0; at > 0 && n < ENOUGH; n += months[at].events) at--;
    const first = await Promise.all(months.slice(at).map(({ name }) => this.bytes(`events/${name}`)));
    const rest = at ? this.months(months.slice(0, at).map(({ name }) => name)).then((parts) => [...parts, ...first]) : null;
    return { first, rest };
  }

  private async months(names: string[]): Promise<Uint8Array[]> {
    const parts: Uint8Array[] = [];
    const waiting = names.map((name, i) => ({ name, i })).reverse();
    const read = async () => {
      for (let next = waiting.shift(); next; next = waiting.shift()) parts[next.i] = await this.bytes(`events/${next.name}`);
    };
    await Promise.all(Array.from({ length: AT_ONCE }, read));
    return parts;
  }

  async bytes(name: string, query?: URLSearchParams): Promise<Uint8Array> {
    const path = name.split("/").map(encodeURIComponent).join("/");
    const answer = await fetch(`data/${path}${query?.size ? `?${query}` : ""}`, { credentials: "same-origin" });
    if (!answer.ok) throw new Error((await answer.text()).slice(0, 500) || answer.statusText);
    return new Uint8Array(await answer.arrayBuffer());
  }
}

export function openSource(): Source {
  const config = JSON.parse(document.getElementById("config")!.textContent!) as Config;
  return config.kind === "report" ? new Embedded(config) : new Remote(config);
}
