// The fields of the filter: all that the brushes do, and more, from the keyboard.
import { h } from "./dom";
import { EVERYTHING, parseTime, timeText, type Filter, type Range } from "./filter";
import { REVIEWS, sortedTexts } from "./catalog";
import type { App } from "./app";

const RANGES = [
  ["magnitude", "Magnitude", 0.1], ["depth", "Depth (km)", 0.1], ["latitude", "Latitude (°)", "any"], ["longitude", "Longitude (°)", "any"],
] as const;
const LIMITS = [
  ["gap", "Gap at most (°)", 1], ["rms", "RMS at most (s)", 0.01], ["phases", "Phases at least", 1], ["stations", "Stations at least", 1],
] as const;

export class FilterForm {
  readonly element: HTMLFormElement;
  private readonly fields = new Map<string, HTMLInputElement>();
  private readonly classes: HTMLInputElement[] = [];
  private readonly reviews: HTMLInputElement[] = [];

  constructor(private readonly app: App) {
    this.element = h("form", { class: "filter", "aria-label": "Filter", onsubmit: (event: Event) => event.preventDefault() });
    this.build();
    this.element.addEventListener("change", () => this.read());
  }

  private build(): void {
    const { app } = this;
    this.element.append(
      this.pair("time", "Time (UTC)", { type: "text", placeholder: "2014-08-23T12:00", spellcheck: "false" }),
      ...RANGES.map(([name, title, step]) => this.pair(name, title, { type: "number", step })),
      ...LIMITS.map(([name, title, step]) => h("label", { class: "single" }, h("span", {}, title), this.field(name, { type: "number", step, min: 0 }))),
    );
    const texts = sortedTexts(app.catalog.columns.codes("quality").texts.filter(Boolean));
    if (texts.length) this.element.append(this.choices("Quality class", texts, this.classes));
    if (app.hasReviews) this.element.append(this.choices("Review", REVIEWS, this.reviews));
    this.element.append(
      h("label", { class: "check" }, this.field("rejected", { type: "checkbox" }), "Show events that quality control rejects"),
      h("button", { type: "button", onclick: () => app.setFilter(EVERYTHING) }, "Clear the filter"),
    );
  }

  private choices(title: string, texts: string[], boxes: HTMLInputElement[]): HTMLElement {
    return h("fieldset", {}, h("legend", {}, title), ...texts.map((text) => {
      const box = h("input", { type: "checkbox", value: text });
      boxes.push(box);
      return h("label", { class: "check" }, box, text);
    }));
  }

  private field(name: string, attributes: Record<string, string | number | undefined>): HTMLInputElement {
    const input = h("input", { name, ...attributes });
    this.fields.set(name, input);
    return input;
  }

  private pair(name: string, title: string, attributes: Record<string, string | number | undefined>): HTMLElement {
    return h("fieldset", { class: "pair" }, h("legend", {}, title),
      this.labelled(`${name}0`, `${title}, from`, attributes), h("span", { "aria-hidden": "true" }, "\u2013"), this.labelled(`${name}1`, `${title}, to`, attributes));
  }

  private labelled(name: string, label: string, attributes: Record<string, string | number | undefined>): HTMLInputElement {
    return this.field(name, { ...attributes, "aria-label": label });
  }

  private read(): void {
    const value = (name: string) => this.fields.get(name)!.value.trim();
    const filter: Partial<Filter> = {};
    filter.time = this.range("time", parseTime);
    for (const [name] of RANGES) filter[name] = this.range(name, Number);
    for (const [name] of LIMITS) filter[name] = value(name) ? Number(value(name)) : null;
    filter.quality = this.checked(this.classes);
    filter.review = this.checked(this.reviews);
    filter.rejected = this.fields.get("rejected")!.checked;
    if (this.element.querySelector(":invalid")) return;
    this.app.setFilter(filter);
  }

  private checked(boxes: HTMLInputElement[]): string {
    const names = boxes.filter((box) => box.checked).map((box) => box.value);
    return names.length === boxes.length ? "" : names.join(",");
  }

  private range(name: string, read: (text: string) => number): Range | null {
    const found = [0, 1].map((end) => {
      const input = this.fields.get(`${name}${end}`)!;
      const text = input.value.trim();
      const value = text ? read(text) : end ? Infinity : -Infinity;
      input.setCustomValidity(Number.isNaN(value) ? "Write 2014-08-23, 2014-08-23T12:00 or 2014.235" : "");
      return value;
    }) as Range;
    return Number.isFinite(found[0]) || Number.isFinite(found[1]) ? found : null;
  }

  /** Show a filter. */
  write(filter: Filter): void {
    const put = (name: string, text: string) => {
      const input = this.fields.get(name)!;
      if (document.activeElement !== input) input.value = text;
      input.classList.toggle("set", text !== "");
    };
    const pair = (name: string, range: Range | null, text: (v: number) => string) =>
      [0, 1].forEach((end) => put(`${name}${end}`, range && Number.isFinite(range[end]) ? text(range[end]) : ""));
    pair("time", filter.time, timeText);
    for (const [name] of RANGES) pair(name, filter[name], (v) => String(Number(v.toFixed(5))));
    for (const [name] of LIMITS) put(name, filter[name] === null ? "" : String(filter[name]));
    const check = (boxes: HTMLInputElement[], text: string) => {
      const names = text.split(",");
      for (const box of boxes) box.checked = !text || names.includes(box.value);
    };
    check(this.classes, filter.quality);
    check(this.reviews, filter.review);
    this.fields.get("rejected")!.checked = filter.rejected;
  }
}
