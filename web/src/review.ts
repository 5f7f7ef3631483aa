// Review of an event: accept, reject or comment, under a name that the browser keeps.
import { h } from "./dom";
import type { App } from "./app";
import { json, type Source } from "./source";

export interface Review {
  event_id: string;
  status: string;
  by: string;
  comment: string;
  stale: boolean;
  /** Seconds since 1970. */
  time: number;
}

const NAME = "epicat-reviewer";

export function fetchReviews(source: Source): Promise<Review[]> {
  return json(source, "reviews");
}

async function send(app: App, row: number, status: string, by: string, comment: string): Promise<void> {
  const review = { event_id: app.catalog.id(row), time: app.catalog.arrays.time[row], status, by, comment };
  const answer = await fetch("data/reviews", { method: "POST", credentials: "same-origin", headers: { "Content-Type": "application/json" }, body: JSON.stringify([review]) });
  if (!answer.ok) throw new Error(await answer.text());
  app.setReviews((await answer.json()) as Review[]);
}

export function reviewForm(app: App, row: number): HTMLElement {
  const name = h("input", { name: "by", value: stored(), placeholder: "Your name", "aria-label": "Your name", autocomplete: "name", maxlength: 200 });
  const comment = h("input", { name: "comment", placeholder: "Comment", "aria-label": "Comment", maxlength: 2000, class: "comment" });
  const state = h("output", { class: "state", "aria-live": "polite" }, describe(app.reviews.get(app.catalog.id(row))));
  const decide = async (status: string) => {
    if (!name.value.trim()) {
      name.focus();
      state.textContent = "Write your name first.";
      return;
    }
    store(name.value.trim());
    try {
      await send(app, row, status, name.value.trim(), comment.value.trim());
      state.textContent = describe(app.reviews.get(app.catalog.id(row)));
      comment.value = "";
    } catch (error) {
      state.textContent = `Not saved: ${(error as Error).message}`;
    }
  };
  const button = (status: string, text: string) => h("button", { type: "button", "data-status": status, onclick: () => void decide(status) }, text);
  return h("form", { class: "review", "aria-label": "Review", onsubmit: (event: Event) => event.preventDefault() },
    name, comment, button("accepted", "Accept (a)"), button("rejected", "Reject (r)"), button("comment", "Comment only"), state);
}

function describe(review: Review | undefined): string {
  if (!review) return "Not reviewed.";
  const when = new Date(review.time * 1000).toISOString().slice(0, 16).replace("T", " ");
  const stale = review.stale ? "Stale, of an earlier association: " : "";
  const status = review.status === "comment" ? "commented" : review.status;
  return `${stale}${status} by ${review.by} on ${when} UTC${review.comment ? `: ${review.comment}` : ""}`;
}

function stored(): string {
  try {
    return localStorage.getItem(NAME) ?? "";
  } catch {
    return "";
  }
}

function store(name: string): void {
  try {
    localStorage.setItem(NAME, name);
  } catch {
    // A browser without storage asks again.
  }
}
