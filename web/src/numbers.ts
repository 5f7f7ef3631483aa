// Statistics of a catalog.  The formulas are those of src/epicat/frequency_magnitude.py.

export interface BValue {
  b: number;
  error: number;
  count: number;
}

const LEAST = 10;

export function median(values: ArrayLike<number>): number {
  const sorted = Float64Array.from(values).filter((v) => !Number.isNaN(v)).sort();
  const n = sorted.length;
  if (!n) return NaN;
  return n % 2 ? sorted[(n - 1) / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2;
}

/** Median absolute deviation from the median. */
export function mad(values: ArrayLike<number>): number {
  const middle = median(values);
  return median(Float64Array.from(values, (v) => Math.abs(v - middle)));
}

/** Magnitudes of two decimals as multiples of a width, halves to even as numpy does. */
export function binned(magnitudes: Iterable<number>, width: number): Float64Array {
  return Float64Array.from([...magnitudes].filter(Number.isFinite), (m) => halfToEven(Math.round(m * 100) / 100 / width) * width);
}

function halfToEven(value: number): number {
  const low = Math.floor(value);
  if (value - low !== 0.5) return Math.round(value);
  return low % 2 ? low + 1 : low;
}

/** Completeness: the fullest bin and 0.2 (Wiemer and Wyss 2000; Woessner and Wiemer 2005). */
export function maximumCurvature(magnitudes: Float64Array, width: number, plus = 0.2): number {
  const counts = new Map<number, number>();
  for (const m of magnitudes) counts.set(Math.round(m / width), (counts.get(Math.round(m / width)) ?? 0) + 1);
  let [best, most] = [0, 0];
  for (const [bin, n] of [...counts].sort((a, b) => a[0] - b[0])) if (n > most) [best, most] = [bin, n];
  return best * width + plus;
}

/** Completeness from which b stays within its error over 0.5 magnitudes (Cao and Gao 2002); NaN if nowhere. */
export function stableCompleteness(magnitudes: Float64Array, width: number): number {
  if (!magnitudes.length) return NaN;
  const steps = Math.max(1, Math.round(0.5 / width));
  const lowest = Math.round(magnitudes.reduce((a, b) => Math.min(a, b)) / width);
  const highest = Math.round(magnitudes.reduce((a, b) => Math.max(a, b)) / width);
  for (let bin = lowest; bin <= highest; bin++) {
    const here = bValue(magnitudes, bin * width, width);
    if (!here) return NaN;
    const next = Array.from({ length: steps }, (_, k) => bValue(magnitudes, (bin + k) * width, width));
    if (next.some((v) => v === null)) return NaN;
    const average = next.reduce((sum, v) => sum + v!.b, 0) / steps;
    if (Math.abs(average - here.b) <= here.error) return bin * width;
  }
  return NaN;
}

/** Aki-Utsu in the form exact for bins (Tinti and Mulargia 1987), error of Shi and Bolt 1982. */
export function bValue(magnitudes: Float64Array, completeness: number, width: number): BValue | null {
  return estimate(magnitudes.filter((m) => m >= completeness - width / 2), completeness, width);
}

/** From positive differences of successive magnitudes (van der Elst 2021). */
export function bPositive(magnitudes: Float64Array, width: number, least = width): BValue | null {
  const differences = new Float64Array(Math.max(magnitudes.length - 1, 0));
  for (let i = 0; i < differences.length; i++) differences[i] = magnitudes[i + 1] - magnitudes[i];
  return estimate(differences.filter((d) => d >= least - width / 2), least, width);
}

function estimate(values: Float64Array, lowest: number, width: number): BValue | null {
  const n = values.length;
  if (n < LEAST) return null;
  const mean = values.reduce((a, b) => a + b, 0) / n;
  const above = mean - lowest;
  if (above <= 0) return null;
  const beta = width > 0 ? Math.log1p(width / above) / width : 1 / above;
  const b = beta / Math.LN10;
  const squares = values.reduce((a, v) => a + (v - mean) ** 2, 0);
  return { b, error: Math.LN10 * b * b * Math.sqrt(squares / (n * (n - 1))), count: n };
}

/** Slope and intercept by repeated medians (Siegel 1982): outliers of up to half the points do no harm. */
export function robustLine(points: [number, number][]): { slope: number; intercept: number } | null {
  if (points.length < 3) return null;
  const slopes = points.map(([x0, y0], i) => median(points.filter((_, k) => k !== i).map(([x, y]) => (x === x0 ? NaN : (y - y0) / (x - x0)))));
  const slope = median(slopes);
  return { slope, intercept: median(points.map(([x, y]) => y - slope * x)) };
}
