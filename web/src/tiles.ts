// Map tiles of a server, only where the user named one: nothing is requested otherwise.
import type { Projection } from "./projection";

interface View {
  cx: number;
  cy: number;
  scale: number;
  width: number;
  height: number;
}

const TILE = 256;
const MOST = 400;

export class Tiles {
  private images = new Map<string, HTMLImageElement>();

  constructor(private readonly address: string, private readonly loaded: () => void) {}

  draw(context: CanvasRenderingContext2D, projection: Projection, view: View): void {
    const world = projection.worldWidth * view.scale;
    const zoom = Math.max(0, Math.min(19, Math.round(Math.log2(world / TILE))));
    const size = world / 2 ** zoom;
    // The north-west corner of the world, in pixels of the map.
    const left = view.width / 2 + (projection.x(-180) - view.cx) * view.scale;
    const north = view.height / 2 - (projection.y(0) - view.cy) * view.scale - world / 2;
    for (let i = Math.floor(-left / size); i * size + left < view.width; i++) {
      for (let j = Math.max(0, Math.floor(-north / size)); j < 2 ** zoom && j * size + north < view.height; j++) {
        const image = this.image(zoom, ((i % 2 ** zoom) + 2 ** zoom) % 2 ** zoom, j);
        if (image.complete && image.naturalWidth) context.drawImage(image, left + i * size, north + j * size, size, size);
      }
    }
  }

  private image(z: number, x: number, y: number): HTMLImageElement {
    const address = this.address.replace("{z}", String(z)).replace("{x}", String(x)).replace("{y}", String(y));
    const known = this.images.get(address);
    if (known) return known;
    if (this.images.size >= MOST) this.images.delete(this.images.keys().next().value!);
    const image = new Image();
    image.referrerPolicy = "no-referrer";
    image.onload = this.loaded;
    image.src = address;
    this.images.set(address, image);
    return image;
  }
}
