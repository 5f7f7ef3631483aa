// Ticks that say something, for numbers, degrees and UTC times.

export interface Tick {
  value: number;
  label: string;
}

/** The smallest of 1, 2, 5 times a power of ten that is not below `value`. */
export function niceAbove(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  const step = [1, 2, 5, 10].find((m) => m * power >= value * (1 - 1e-9))!;
  return step * power;
}

export function numberTicks(low: number, high: number, most: number): Tick[] {
  if (!(high > low)) return [];
  const step = niceAbove((high - low) / Math.max(most, 1));
  const decimals = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  const ticks: Tick[] = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + step * 1e-9; k++) {
    ticks.push({ value: k * step + 0, label: withMinus((k * step).toFixed(decimals)) });
  }
  return ticks;
}

export function withMinus(text: string): string {
  return /^-0(\.0*)?$/.test(text) ? text.slice(1) : text.replace("-", "\u2212");
}

const DEGREES = [90, 45, 30, 20, 10, 5, 2, 1, 30 / 60, 20 / 60, 10 / 60, 5 / 60, 2 / 60, 1 / 60, 0.5 / 60, 10 / 3600, 5 / 3600, 1 / 3600];

export function degreeTicks(low: number, high: number, most: number, sides: "NS" | "EW"): Tick[] {
  const step = [...DEGREES].reverse().find((s) => (high - low) / s <= most) ?? 90;
  const ticks: Tick[] = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + 1e-9; k++) {
    ticks.push({ value: k * step, label: degreeText(k * step, step, sides) });
  }
  return ticks;
}

function degreeText(value: number, step: number, sides: "NS" | "EW"): string {
  if (sides === "EW") value = ((((value + 180) % 360) + 360) % 360) - 180;
  const side = Math.abs(value) < 1e-9 ? "" : value > 0 ? sides[0] : sides[1];
  const seconds = Math.round(Math.abs(value) * 3600);
  const [d, m, s] = [Math.floor(seconds / 3600), Math.floor((seconds % 3600) / 60), seconds % 60];
  const minutes = step < 1 ? ` ${String(m).padStart(2, "0")}\u2032` : "";
  const rest = step < 1 / 60 - 1e-9 ? ` ${String(s).padStart(2, "0")}\u2033` : "";
  return `${d}°${minutes}${rest}${side}`;
}

const DAY = 86400;
const STEPS: [number, string][] = [
  [1e-3, "ms"], [1e-2, "ms"], [0.1, "ms"], [0.5, "ms"], [1, "s"], [2, "s"], [5, "s"], [10, "s"], [30, "s"],
  [60, "m"], [120, "m"], [300, "m"], [600, "m"], [1800, "m"], [3600, "m"], [7200, "m"], [10800, "m"],
  [21600, "m"], [43200, "m"], [DAY, "d"], [2 * DAY, "d"], [5 * DAY, "d"], [10 * DAY, "d"],
];
const MONTHS = [1, 3, 6, 12, 24, 60, 120, 240];
const NAMES = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** Ticks of UTC times in seconds; the first, and each that begins a larger unit, say the date. */
export function timeTicks(low: number, high: number, most: number): Tick[] {
  const wanted = (high - low) / Math.max(most, 1);
  const found = STEPS.find(([step]) => step >= wanted);
  return found ? fixedTicks(low, high, ...found) : monthTicks(low, high, wanted);
}

function fixedTicks(low: number, high: number, step: number, unit: string): Tick[] {
  const ticks: Tick[] = [];
  let last = "";
  for (const value of unit === "d" ? dayValues(low, high, step) : multiples(low, high, step)) {
    const text = iso(value);
    const day = dayText(value);
    const own = unit === "d" ? "" : unit === "m" ? text.slice(11, 16) : unit === "s" ? text.slice(11, 19) : text.slice(14, 23);
    const label = unit === "d" ? (last.slice(-4) === day.slice(-4) ? day.slice(0, -5) : day) : last === day ? own : `${own} ${day}`;
    ticks.push({ value, label });
    last = day;
  }
  return ticks;
}

function multiples(low: number, high: number, step: number): number[] {
  const found: number[] = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high; k++) found.push(k * step);
  return found;
}

/** Steps of several days begin anew with each month. */
function dayValues(low: number, high: number, step: number): number[] {
  const days = Math.round(step / DAY);
  return multiples(low, high, DAY).filter((value) => {
    const day = new Date(value * 1000).getUTCDate();
    return days === 1 || ((day - 1) % days === 0 && 31 - day >= days / 2);
  });
}

function monthTicks(low: number, high: number, wanted: number): Tick[] {
  const step = MONTHS.find((m) => m * 30.4 * DAY >= wanted) ?? 600;
  const first = new Date(low * 1000);
  let month = Math.floor((first.getUTCFullYear() * 12 + first.getUTCMonth()) / step) * step;
  const ticks: Tick[] = [];
  let last = -1;
  for (; ; month += step) {
    const year = Math.floor(month / 12);
    const value = Date.UTC(year, month % 12) / 1000;
    if (value > high) return ticks;
    if (value < low) continue;
    const name = step >= 12 ? `${year}` : year === last ? NAMES[month % 12] : `${NAMES[month % 12]} ${year}`;
    ticks.push({ value, label: name });
    last = year;
  }
}

export function dayText(seconds: number): string {
  const date = new Date(seconds * 1000);
  return `${date.getUTCDate()} ${NAMES[date.getUTCMonth()]} ${date.getUTCFullYear()}`;
}

/** ISO 8601 UTC with milliseconds, without a zone. */
export function iso(seconds: number): string {
  return new Date(Math.round(seconds * 1000)).toISOString().slice(0, 23);
}

/** As the exports of epicat write a time: microseconds and Z. */
export function isoMicro(seconds: number): string {
  const micro = Math.round(seconds * 1e6);
  const whole = Math.floor(micro / 1e6);
  return `${new Date(whole * 1000).toISOString().slice(0, 19)}.${String(micro - whole * 1e6).padStart(6, "0")}Z`;
}

/** What a panel of depths says of events that it leaves out; empty if there are none. */
export function leftOut(events: number): string {
  return events ? `${count(events)} with a fixed depth not shown` : "";
}

export function count(value: number): string {
  return (value + 0).toLocaleString("en");
}
