// Colours that the colour-blind can tell apart, for light and dark pages.

/** Anchors of viridis (CC0, van der Walt and Smith); its lightness rises evenly. */
const VIRIDIS = [
  [68, 1, 84], [72, 40, 120], [62, 73, 137], [49, 104, 142], [38, 130, 142], [31, 158, 137],
  [53, 183, 121], [109, 205, 89], [180, 222, 44], [253, 231, 37],
];

export interface Theme {
  name: "light" | "dark";
  sea: string;
  land: string;
  coast: string;
  grid: string;
  ink: string;
  soft: string;
  paper: string;
  accent: string;
  bars: string;
  barsDim: string;
  station: string;
  overlay: string;
  p: string;
  s: string;
}

// P and S, and other pairs: blue and vermilion of Okabe and Ito (2008).
const LIGHT: Theme = {
  name: "light", sea: "#eaf1f6", land: "#fbfaf6", coast: "#8b9298", grid: "#00000014", ink: "#1b2126",
  soft: "#5b6670", paper: "#ffffff", accent: "#b5460f", bars: "#3b6ea5", barsDim: "#c5cdd5",
  station: "#1b2126", overlay: "#a03a2c", p: "#0072b2", s: "#d55e00",
};
const DARK: Theme = {
  name: "dark", sea: "#10171d", land: "#1c242b", coast: "#5d6974", grid: "#ffffff16", ink: "#e6ebef",
  soft: "#9aa7b2", paper: "#151b20", accent: "#ffa45c", bars: "#6ea8dc", barsDim: "#3a444d",
  station: "#e6ebef", overlay: "#e08a78", p: "#56b4e9", s: "#ff8a3c",
};

export function themeOf(name: string): Theme {
  return name === "dark" ? DARK : LIGHT;
}

export function preferredTheme(): "light" | "dark" {
  return matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
}

type Color = [number, number, number];

/** The colour at `share` (0 to 1) of the scale: shallow or early events stand out from the page. */
export function colorAt(theme: Theme, share: number): Color {
  const q = theme.name === "dark" ? 1 - 0.8 * share : 0.8 - 0.8 * share;
  const at = Math.min(Math.max(q, 0), 1) * (VIRIDIS.length - 1);
  const [k, f] = [Math.min(Math.floor(at), VIRIDIS.length - 2), at - Math.min(Math.floor(at), VIRIDIS.length - 2)];
  return [0, 1, 2].map((c) => Math.round(VIRIDIS[k][c] * (1 - f) + VIRIDIS[k + 1][c] * f)) as Color;
}

export function css(color: Color): string {
  return `rgb(${color.join(",")})`;
}

/** 256 pixels, as a little-endian machine stores RGBA. */
export function paletteOf(theme: Theme): Uint32Array {
  return Uint32Array.from({ length: 256 }, (_, i) => pixel(colorAt(theme, i / 255)));
}

export function pixel([r, g, b]: Color, alpha = 255): number {
  return ((alpha << 24) | (b << 16) | (g << 8) | r) >>> 0;
}

export function dimPixel(theme: Theme): number {
  return theme.name === "dark" ? pixel([70, 80, 90], 150) : pixel([150, 160, 170], 120);
}

/** Events whose depth is not known, where colours show the depth. */
export function unknownPixel(theme: Theme): number {
  return theme.name === "dark" ? pixel([160, 168, 176]) : pixel([120, 128, 136]);
}

/** Outlines have the colour of the page: they keep crowded symbols apart. */
export function inkPixel(theme: Theme): number {
  return theme.name === "dark" ? pixel([16, 20, 24]) : pixel([255, 255, 255]);
}
