// The page's side of the worker: one drawing at a time, always of the newest state.
import code from "worker-code";
import type { Answer, Bins, Drawn, EventArrays, Limits, Look, Panel, Request, SortKey } from "./worker/messages";
import { Plotter } from "./worker/plotter";

export interface Scene {
  limits: Limits;
  panels: Record<string, Panel>;
  bins: Bins | null;
}

const SETTLED_MS = 150;

export class Painter {
  /** Rasters drawn, for measurements. */
  drawings = 0;
  onDrawn: (drawn: Drawn) => void = () => undefined;
  private readonly send: (request: Request) => void;
  private busy = false;
  private wanted: { scene: Scene; fast: boolean } | null = null;
  private known: Record<string, string> = {};
  private settle = 0;
  private numbers = 0;
  private waiting = new Map<number, (answer: any) => void>();

  /** End the worker. */
  readonly stop: () => void;

  constructor() {
    const { send, stop } = open((answer) => this.receive(answer));
    this.send = send;
    this.stop = stop;
  }

  setEvents(events: EventArrays, look: Look): void {
    this.known = {};
    this.send({ type: "events", events, look });
  }

  setLook(look: Look): void {
    this.known = {};
    this.send({ type: "look", look });
  }

  setReview(row: number, value: number): void {
    this.known = {};
    this.send({ type: "review", row, value });
  }

  /** Draw a scene; while it keeps changing coarsely, and completely once it has come to rest. */
  draw(scene: Scene, moving: boolean): void {
    clearTimeout(this.settle);
    this.request(scene, moving);
    if (moving) this.settle = window.setTimeout(() => this.request(scene, false), SETTLED_MS);
  }

  async rows(limits: Limits, key: SortKey, descending: boolean): Promise<Uint32Array> {
    const answer = await this.ask((id) => ({ type: "rows", id, limits, key, descending }));
    return answer.rows;
  }

  async nearest(limits: Limits, panel: string, u: number, v: number, radius: number): Promise<number> {
    const answer = await this.ask((id) => ({ type: "nearest", id, limits, panel, u, v, radius }));
    return answer.row;
  }

  private ask(make: (id: number) => Request): Promise<any> {
    const id = ++this.numbers;
    return new Promise((resolve) => {
      this.waiting.set(id, resolve);
      this.send(make(id));
    });
  }

  private request(scene: Scene, fast: boolean): void {
    this.wanted = { scene, fast };
    if (!this.busy) this.next();
  }

  private next(): void {
    if (!this.wanted) return;
    const { scene, fast } = this.wanted;
    this.wanted = null;
    const limits = keyOf([scene.limits, fast]);
    const panels: Record<string, Panel> = {};
    for (const [name, panel] of Object.entries(scene.panels)) {
      const key = limits + keyOf(panel);
      if (this.known[name] === key) continue;
      this.known[name] = key;
      panels[name] = panel;
    }
    const bins = limits + keyOf(scene.bins) === this.known.bins ? null : scene.bins;
    this.known.bins = limits + keyOf(scene.bins);
    if (!bins && !Object.keys(panels).length) return;
    this.busy = true;
    this.send({ type: "draw", id: ++this.numbers, limits: scene.limits, panels, bins, fast });
  }

  private receive(answer: Answer): void {
    if (answer.type === "drawn") {
      this.busy = false;
      this.drawings++;
      this.next();
      this.onDrawn(answer);
      return;
    }
    this.waiting.get(answer.id)?.(answer);
    this.waiting.delete(answer.id);
  }
}

function keyOf(value: unknown): string {
  return JSON.stringify(value, (_, v) => (typeof v === "number" && !Number.isFinite(v) ? String(v) : v));
}

/** Start the worker; browsers that have none for a page from disk draw in the page itself. */
function open(receive: (answer: Answer) => void): { send: (request: Request) => void; stop: () => void } {
  try {
    const worker = new Worker(URL.createObjectURL(new Blob([code], { type: "text/javascript" })));
    worker.onmessage = ({ data }) => receive(data);
    return { send: (request) => worker.postMessage(request), stop: () => worker.terminate() };
  } catch {
    const plotter = new Plotter();
    const send = (request: Request) => {
      const answer = plotter.answer(request);
      if (answer) queueMicrotask(() => receive(answer));
    };
    return { send, stop: () => undefined };
  }
}
