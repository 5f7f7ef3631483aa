// Arrow streams as plain typed arrays: the integers of a column times its scale, NaN for null.
import { tableFromIPC } from "@uwdata/flechette";

type Numbers = Float32Array<ArrayBuffer> | Float64Array<ArrayBuffer>;
const PRECISE = new Set(["time", "latitude", "longitude"]);

export class Codes {
  constructor(readonly codes: Int16Array<ArrayBuffer>, readonly texts: string[]) {}

  /** The text of a row; empty if unknown. */
  at(row: number): string {
    const code = this.codes[row];
    return code < 0 ? "" : this.texts[code];
  }
}

export class Columns {
  private numbers = new Map<string, Numbers>();
  private coded = new Map<string, Codes>();
  private texts = new Map<string, (row: number) => string>();
  readonly length: number;

  constructor(parts: Uint8Array[]) {
    const tables = parts.map((part) => tableFromIPC(part, { useBigInt: true }));
    this.length = tables.reduce((sum, table) => sum + table.numRows, 0);
    for (const field of tables[0]?.schema.fields ?? []) {
      const batches = tables.flatMap((table) => table.getChild(field.name)!.data);
      const scale = Number(field.metadata?.get("scale") ?? 1);
      if ("dictionary" in field.type) this.coded.set(field.name, codesOf(batches, this.length));
      else if (field.type.typeId === 5) this.texts.set(field.name, textsOf(batches));
      else this.numbers.set(field.name, numbersOf(batches, this.length, scale, field.name, field.metadata?.has("planes") ?? false));
    }
  }

  number(name: string): Numbers {
    return this.numbers.get(name)!;
  }

  codes(name: string): Codes {
    return this.coded.get(name)!;
  }

  text(name: string): (row: number) => string {
    return this.texts.get(name)!;
  }
}

/** Times, microseconds in Arrow, become seconds. */
function numbersOf(batches: any[], length: number, scale: number, name: string, planes: boolean): Numbers {
  const found = PRECISE.has(name) ? new Float64Array(length) : new Float32Array(length);
  let at = 0;
  for (const batch of batches) {
    const values = planes ? joined(batch.values, batch.length) : batch.values;
    if (values instanceof BigInt64Array) {
      // Two 32-bit halves: a BigInt each would take a second for a million.
      const halves = new Uint32Array(values.buffer, values.byteOffset, batch.length * 2);
      for (let i = 0; i < batch.length; i++) {
        found[at + i] = ((halves[2 * i + 1] | 0) * 4294967296 + halves[2 * i]) / 1e6;
      }
    } else {
      const inverse = scale < 1 ? Math.round(1 / scale) : 0;
      if (inverse) for (let i = 0; i < batch.length; i++) found[at + i] = values[i] / inverse;
      else for (let i = 0; i < batch.length; i++) found[at + i] = values[i] * scale;
    }
    if (batch.nullCount) {
      for (let i = 0; i < batch.length; i++) if (!batch.isValid(i)) found[at + i] = NaN;
    }
    at += batch.length;
  }
  return found;
}

/** Values whose bytes are stored plane by plane: all the lowest ones first. */
function joined<T extends BigInt64Array | Int32Array | Int16Array>(values: T, length: number): T {
  const width = values.BYTES_PER_ELEMENT;
  const from = new Uint8Array(values.buffer, values.byteOffset, length * width);
  const to = new Uint8Array(length * width);
  for (let k = 0; k < width; k++) {
    for (let i = 0, at = k; i < length; i++, at += width) to[at] = from[k * length + i];
  }
  return new (values.constructor as any)(to.buffer);
}

function codesOf(batches: any[], length: number): Codes {
  const codes = new Int16Array(length).fill(-1);
  const texts: string[] = [];
  const known = new Map<string, number>();
  let at = 0;
  for (const batch of batches) {
    const own: number[] = [];
    for (let i = 0; i < batch.length; i++) {
      if (batch.nullCount && !batch.isValid(i)) continue;
      const key = batch.key(i) as number;
      let code = own[key];
      if (code === undefined) {
        const text = String(batch.value(i));
        code = known.get(text) ?? texts.push(text) - 1;
        known.set(text, code);
        own[key] = code;
      }
      codes[at + i] = code;
    }
    at += batch.length;
  }
  return new Codes(codes, texts);
}

function textsOf(batches: any[]): (row: number) => string {
  const starts: number[] = [];
  let rows = 0;
  for (const batch of batches) {
    starts.push(rows);
    rows += batch.length;
  }
  return (row) => {
    let at = starts.length - 1;
    while (starts[at] > row) at--;
    return String(batches[at].at(row - starts[at]) ?? "");
  };
}
