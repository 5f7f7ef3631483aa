// First arrivals by distance and depth, interpolated in the table of the report.

export interface TravelTimeTable {
  distance_km: number[];
  depth_km: number[];
  elevation_km: number;
  /** Milliseconds by depth and distance. */
  P: number[][];
  S: number[][];
}

/** Seconds; NaN outside of the table. */
export function travelTime(table: TravelTimeTable, phase: "P" | "S", distance: number, depth: number): number {
  const [i, a] = place(table.distance_km, distance);
  const [k, b] = place(table.depth_km, Math.min(Math.max(depth, table.depth_km[0]), table.depth_km[table.depth_km.length - 1]));
  if (i < 0 || k < 0) return NaN;
  const times = table[phase];
  const row = (n: number) => times[n][i] * (1 - a) + times[n][i + 1] * a;
  return (row(k) * (1 - b) + row(k + 1) * b) / 1000;
}

/** The interval of a value and its share in it; -1 if it is outside. */
function place(edges: number[], value: number): [number, number] {
  if (!(value >= edges[0] && value <= edges[edges.length - 1])) return [-1, 0];
  let [low, high] = [0, edges.length - 1];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (edges[middle] <= value) low = middle;
    else high = middle;
  }
  return [low, (value - edges[low]) / (edges[high] - edges[low])];
}
