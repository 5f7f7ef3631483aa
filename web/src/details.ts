// What some pages need besides the events: read when the first of them opens, and then kept.
import { Arrivals } from "./arrivals";
import { Columns } from "./columns";
import { json, type Source } from "./source";
import { StationDays } from "./stationdays";
import type { TravelTimeTable } from "./traveltimes";

/** A channel's response in an epoch; times are ISO 8601, empty if open. */
export interface ChannelResponse {
  channel: string;
  start: string;
  end: string;
  unit: string;
  gain: number;
  stages: number;
  is_flat: boolean;
  problem: string;
}

export interface Responses {
  channels: Record<string, ChannelResponse[]>;
  /** Days whose amplitudes were measured, the number of amplitudes, and days by reason. */
  days: Record<string, { measured: number; amplitudes: number; reasons: Record<string, number> }>;
}

export type Part = "arrivals" | "confidence" | "magnitudeReadings" | "responses" | "stationDays" | "travelTimes";

export class Details {
  /** Arrivals of many events; null with a server, which is asked for those of each event. */
  arrivals: Arrivals | null = null;
  /** Number of picks by trace, phase and bin of confidence. */
  confidence: Record<string, Record<string, number[]>> = {};
  /** Residuals of station magnitudes; null with a server, which is asked for those of a station. */
  magnitudeReadings: Columns | null = null;
  responses: Responses = { channels: {}, days: {} };
  stationDays: StationDays | null = null;
  /** Null if the store has no velocity model. */
  travelTimes: TravelTimeTable | null = null;
  private readonly asked = new Map<Part, Promise<void>>();

  constructor(private readonly source: Source) {}

  /** Wait until parts are there; one that could not be read is read again for the next page. */
  async need(...parts: Part[]): Promise<void> {
    await Promise.all(parts.map((part) => {
      const asked = this.asked.get(part) ?? this.read(part);
      this.asked.set(part, asked);
      return asked.catch((error) => {
        this.asked.delete(part);
        throw error;
      });
    }));
  }

  private async read(part: Part): Promise<void> {
    const { source } = this;
    if (part === "confidence") this.confidence = await json(source, "confidence");
    else if (part === "responses") this.responses = await json(source, "responses");
    else if (part === "travelTimes") this.travelTimes = await json(source, "travel-times");
    else if (part === "stationDays") this.stationDays = new StationDays(new Columns([await source.bytes("station-days")]));
    else if (source.config.kind !== "report") return;
    else if (part === "magnitudeReadings") this.magnitudeReadings = new Columns([await source.bytes("magnitude-readings")]);
    else this.arrivals = new Arrivals(new Columns([await source.bytes("arrivals")]), source.config.n_events);
  }
}
