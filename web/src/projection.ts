// Mercator, in kilometres that are true at the middle latitude of the catalog.

const RADIUS_KM = 6371;
const LARGEST_LATITUDE = 85;
const RADIANS = Math.PI / 180;

export class Projection {
  private readonly scale: number;
  private readonly y0: number;

  constructor(readonly longitude: number, readonly latitude: number) {
    this.scale = RADIUS_KM * Math.cos(clamped(latitude) * RADIANS);
    this.y0 = mercator(latitude);
  }

  /** A longitude within 180 degrees of the middle. */
  near(longitude: number): number {
    const turns = Math.floor((longitude - this.longitude + 180) / 360);
    return longitude - 360 * turns;
  }

  x(longitude: number): number {
    return (longitude - this.longitude) * RADIANS * this.scale;
  }

  y(latitude: number): number {
    return (mercator(latitude) - this.y0) * this.scale;
  }

  longitudeAt(x: number): number {
    return this.longitude + x / this.scale / RADIANS;
  }

  latitudeAt(y: number): number {
    return (2 * Math.atan(Math.exp(y / this.scale + this.y0)) - Math.PI / 2) / RADIANS;
  }

  /** True kilometres of one kilometre of the projection at `y`. */
  trueScale(y: number): number {
    return Math.cos(this.latitudeAt(y) * RADIANS) / Math.cos(clamped(this.latitude) * RADIANS);
  }

  /** Normalised web Mercator, 0 to 1 from the north-west corner: for tiles. */
  get worldWidth(): number {
    return 2 * Math.PI * this.scale;
  }
}

function clamped(latitude: number): number {
  return Math.min(Math.max(latitude, -LARGEST_LATITUDE), LARGEST_LATITUDE);
}

function mercator(latitude: number): number {
  return Math.log(Math.tan(Math.PI / 4 + (clamped(latitude) * RADIANS) / 2));
}

/** Great-circle distance in km (haversine) and azimuth in degrees, on a sphere. */
export function distanceAzimuth(lat1: number, lon1: number, lat2: number, lon2: number): [number, number] {
  const [a, b, d] = [lat1 * RADIANS, lat2 * RADIANS, (lon2 - lon1) * RADIANS];
  const s = Math.sin((b - a) / 2) ** 2 + Math.cos(a) * Math.cos(b) * Math.sin(d / 2) ** 2;
  const azimuth = Math.atan2(Math.sin(d) * Math.cos(b), Math.cos(a) * Math.sin(b) - Math.sin(a) * Math.cos(b) * Math.cos(d));
  return [2 * RADIUS_KM * Math.asin(Math.sqrt(s)), (azimuth / RADIANS + 360) % 360];
}
