// Drive the page in Chromium: node drive.mjs CASE URL FOLDER.  A case fails by an assertion.
// Chromium is Debian's (CHROMIUM names another one); no GPU is used.  SLOWDOWN=8 makes the page's thread
// eight times slower, as on a loaded machine.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { chromium } from "playwright-core";

const [name, address, folder] = process.argv.slice(2);
const SIZES = { desktop: { width: 1440, height: 900 }, phone: { width: 390, height: 844 } };

const count = async (page) => Number((await page.textContent(".caption")).split(" ")[0].replaceAll(",", ""));
const ready = (page) => page.waitForFunction(() => /events/.test(document.querySelector(".caption")?.textContent ?? ""));
const changed = (page, before) => page.waitForFunction((text) => document.querySelector(".caption").textContent !== text, before);

async function drag(page, selector, from, to) {
  const box = await page.locator(selector).boundingBox();
  const at = ([x, y]) => [box.x + x * box.width, box.y + y * box.height];
  await page.mouse.move(...at(from));
  await page.mouse.down();
  await page.mouse.move(...at([(from[0] + to[0]) / 2, (from[1] + to[1]) / 2]));
  await page.mouse.move(...at(to));
  await page.mouse.up();
}

const cases = {
  /** With the network cut, a report is complete and requests nothing but itself. */
  async offline(page, context, requests) {
    await context.setOffline(true);
    await page.goto(address);
    await ready(page);
    assert.ok((await count(page)) > 100);
    for (const hash of ["stations", "statistics", "provenance"]) {
      await page.goto(`${address}#/${hash}`);
      await page.waitForSelector(".detail");
    }
    assert.deepEqual([...new Set(requests.map((url) => url.split("#")[0]))], [address]);
  },

  /** A station that is named like an element stays text on every page. */
  async hostile(page) {
    await page.goto(address);
    await ready(page);
    const station = await page.evaluate(() => window.epicat.stations.find((s) => s.name.includes("<img")).name);
    for (const hash of ["stations", "statistics", `station/${encodeURIComponent(station)}`, `event/${await firstEvent(page)}`]) {
      await page.goto(`${address}#/${hash}`);
      await page.waitForSelector(".detail");
    }
    assert.equal(await page.locator("img").count(), 0);
    assert.equal(await page.evaluate(() => window.hacked), undefined);
    await page.goto(`${address}#/stations`);
    assert.ok((await page.textContent(".detail")).includes(station));
  },

  /** Brushes change number, list and address; the address brings the selection back. */
  async brush(page) {
    await page.goto(address);
    await ready(page);
    const all = await count(page);
    let text = await page.textContent(".caption");
    await drag(page, ".timeline", [0.3, 0.2], [0.6, 0.3]);
    await changed(page, text);
    await page.waitForFunction(() => location.hash.includes("time="));
    const byTime = await count(page);
    assert.ok(byTime > 0 && byTime < all);
    text = await page.textContent(".caption");
    await drag(page, ".section >> nth=0", [0.5, 0.2], [0.5, 0.5]);
    await changed(page, text);
    await page.waitForFunction(() => location.hash.includes("depth="));
    const byDepth = await count(page);
    assert.ok(byDepth > 0 && byDepth < byTime);
    text = await page.textContent(".caption");
    await page.keyboard.down("Shift");
    await drag(page, ".map", [0.3, 0.3], [0.6, 0.6]);
    await page.keyboard.up("Shift");
    await changed(page, text);
    await page.waitForFunction(() => location.hash.includes("latitude="));
    const byPlace = await count(page);
    assert.ok(byPlace > 0 && byPlace < byDepth);
    await page.waitForFunction((n) => window.epicat.list.rows.length === n, byPlace);
    await page.reload();
    await ready(page);
    await page.waitForFunction((n) => window.epicat.list.rows.length === n, byPlace);
    await page.getByRole("button", { name: "Clear the filter" }).click();
    await page.waitForFunction((n) => window.epicat.list.rows.length === n, all);
  },

  /** Fields of the form select as well, and say what they cannot read. */
  async form(page) {
    await page.goto(address);
    await ready(page);
    const text = await page.textContent(".caption");
    await page.getByLabel("Magnitude, from").fill("1");
    await page.keyboard.press("Enter");
    await changed(page, text);
    assert.ok(await page.evaluate(() => window.epicat.list.rows.length >= 0 && location.hash !== "x"));
    await page.getByLabel("Time (UTC), from").fill("yesterday");
    await page.keyboard.press("Tab");
    assert.equal(await page.locator("input:invalid").count(), 1);
    await page.getByLabel("Time (UTC), from").fill("2019.190");
    await page.keyboard.press("Tab");
    await page.waitForFunction(() => location.hash.includes("time=2019-07-09.."));
  },

  /** Everything is reached without a pointer. */
  async keyboard(page) {
    await page.goto(address);
    await ready(page);
    const reached = new Set();
    for (let i = 0; i < 80; i++) {
      await page.keyboard.press("Tab");
      reached.add(await page.evaluate(() => document.activeElement.className || document.activeElement.tagName));
    }
    for (const wanted of ["plot map", "plot section", "plot timeline", "scroller", "skip"]) assert.ok(reached.has(wanted), wanted);
    await page.locator(".timeline").focus();
    const text = await page.textContent(".caption");
    await page.keyboard.press("ArrowRight");
    await changed(page, text);
    await page.keyboard.press("Escape");
    await page.waitForFunction((t) => document.querySelector(".caption").textContent === t, text);
    await page.locator(".map").focus();
    for (const key of ["+", "ArrowLeft", "-", "0", "Enter"]) await page.keyboard.press(key);
    await page.waitForSelector(".detail");
    const first = await page.evaluate(() => location.hash);
    await page.keyboard.press("p");
    await page.waitForFunction((hash) => location.hash !== hash, first);
    await page.keyboard.press("n");
    await page.waitForFunction((hash) => location.hash === hash, first);
    // Keys that come faster than the pages: each counts.
    const passed = await page.evaluate((keys) => keys.map((key) => {
      document.body.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
      return location.hash;
    }), ["p", "p", "n", "n"]);
    assert.equal(new Set(passed).size, 3);
    assert.equal(passed[0], passed[2]);
    assert.equal(passed[3], first);
    await page.keyboard.press("Escape");
    await page.waitForSelector(".catalog");
    await page.locator(".scroller").focus();
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    await page.waitForSelector(".detail");
  },

  /** What the user does while the details are still being read is kept, and pages that need none open. */
  async early(page) {
    let release;
    const held = new Promise((resolve) => { release = resolve; });
    for (const name of ["confidence", "station-days", "basemap"]) {
      await page.route(`**/data/${name}`, async (route) => { await held; await route.continue(); });
    }
    await page.goto(address);
    await ready(page);
    const all = await page.textContent(".caption");
    await page.locator(".timeline").focus();
    await page.keyboard.press("ArrowRight");
    await page.waitForFunction(() => location.hash.includes("time="));
    await changed(page, all);
    const details = page.waitForResponse((answer) => answer.url().endsWith("/station-days"));
    await page.evaluate(() => {
      document.querySelector(".timeline").dispatchEvent(new KeyboardEvent("keydown", { key: "Escape" }));
    });
    release();
    await details;
    await page.waitForFunction(() => window.epicat.details.stationDays && !location.hash.includes("time="));
    assert.equal(await page.evaluate(() => window.epicat.filter.time), null);
    await page.waitForFunction((text) => document.querySelector(".caption").textContent === text, all);
  },

  /** The catalog, its pages and the user's choices stay while older months arrive. */
  async months(page) {
    let release;
    const held = new Promise((resolve) => { release = resolve; });
    await page.route("**/data/events/2019-07", async (route) => { await held; await route.continue(); });
    await page.goto(address);
    await ready(page);
    assert.match(await page.textContent(".caption"), /reading/);
    const known = await count(page);
    await page.getByLabel("Color of the events").selectOption("time");
    await page.getByLabel("Magnitude, from").fill("0.7");
    await page.keyboard.press("Tab");
    await page.locator(".map").focus();
    for (const key of ["+", "ArrowLeft"]) await page.keyboard.press(key);
    await page.evaluate(() => window.epicat.setSection({ azimuth: 37 }));
    release();
    await page.waitForFunction(() => !window.epicat.reading);
    await page.waitForFunction((n) => window.epicat.list.rows.length > n, known);
    const kept = await page.evaluate(() => {
      const { filter, section, colorBy } = window.epicat;
      return { magnitude: filter.magnitude[0], azimuth: section.azimuth, colorBy, focus: document.activeElement.className };
    });
    assert.deepEqual(kept, { magnitude: 0.7, azimuth: 37, colorBy: "time", focus: "plot map" });
    await page.waitForFunction(() => location.hash.includes("magnitude=0.7"));
    await page.waitForFunction((n) => {
      const { list, catalog } = window.epicat;
      return list.rows.length > n && list.rows.every((row) => catalog.value("magnitude", row) >= Math.fround(0.7)); // 32 bits
    }, known);
  },

  /** Downloads hold the selection; the caller reads them. */
  async exports(page) {
    await page.goto(`${address}#/?magnitude=1..`);
    await ready(page);
    for (const [button, file] of [["Export CSV", "events.csv"], ["Export QuakeML", "events.xml"]]) {
      const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: button }).click()]);
      await download.saveAs(join(folder, file));
    }
    await page.getByRole("link", { name: "Statistics" }).click();
    await page.waitForSelector(".detail");
    const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "Numbers as JSON" }).click()]);
    await download.saveAs(join(folder, "statistics.json"));
    assert.ok(readFileSync(join(folder, "events.csv"), "utf8").length > 100);
  },

  /** Nothing is wider than the screen, in any theme. */
  async widths(page) {
    for (const size of Object.values(SIZES)) {
      await page.setViewportSize(size);
      for (const hash of ["", "stations", "statistics", "provenance"]) {
        await page.goto(`${address}#/${hash}`);
        await page.waitForSelector(hash ? ".detail" : ".caption:not(:empty)");
        const wide = await page.evaluate(() => document.scrollingElement.scrollWidth - innerWidth);
        assert.ok(wide <= 0, `${hash} at ${size.width}: ${wide} pixels too wide`);
      }
    }
    await page.locator(".theme").click();
    assert.ok(["dark", "light"].includes(await page.evaluate(() => document.documentElement.dataset.theme)));
  },

  /** Depths that are fixed are counted, not drawn; errors of east and depth are correlated. */
  async depths(page) {
    await page.goto(address);
    await ready(page);
    const fixed = () => page.evaluate(() => {
      const { filter, catalog } = window.epicat;
      return window.epicat.list.rows.filter((row) => catalog.arrays.fixed[row] && (filter.depth === null || catalog.arrays.depth[row] <= filter.depth[1])).length;
    });
    await page.waitForFunction(() => window.epicat.list.rows.length > 0 && window.epicat.timeline.title.includes("not shown"));
    const wanted = `${await fixed()} with a fixed depth not shown`;
    assert.ok(/^[1-9]/.test(wanted));
    await page.waitForFunction((text) => window.epicat.timeline.title.endsWith(text) && window.epicat.sections.every((s) => s.leftOut === text), wanted);
    const near = await page.evaluate(async () => {
      const { epicat } = window;
      const found = [];
      for (const [name, panel] of [["sectionA", epicat.sections[0].panel()], ["magnitude", epicat.timeline.panel()]]) {
        for (let u = 0; u < panel.width; u += 20) found.push(await epicat.painter.nearest(epicat.limits(), name, u, 10 * panel.sy + panel.oy, 1e6));
      }
      return found.map((row) => epicat.catalog.arrays.fixed[row]);
    });
    assert.ok(near.length > 20 && near.every((one) => one === 0));
    await page.screenshot({ path: join(folder, "catalog.png") });
    await page.goto(`${address}#/event/${await firstEvent(page)}`);
    await page.waitForSelector("polygon.ellipse");
    const points = await page.evaluate(() => document.querySelector("polygon.ellipse").getAttribute("points").split(" ").map((p) => p.split(",").map(Number)));
    const deepest = points.reduce((a, b) => (b[1] > a[1] ? b : a));
    const [west, east] = [Math.min(...points.map(([x]) => x)), Math.max(...points.map(([x]) => x))];
    assert.ok(deepest[0] > (west + east) / 2 + 0.1 * (east - west), `the deepest point is at ${deepest[0]} of ${west} to ${east}`);
    await page.screenshot({ path: join(folder, "event.png"), fullPage: true });
  },

  /** A review is kept by the store; the filter knows it. */
  async review(page) {
    await page.goto(address);
    await ready(page);
    await page.goto(`${address.split("?")[0]}#/event/${await firstEvent(page)}`);
    await page.getByLabel("Your name").fill("Inge Lehmann");
    await page.getByLabel("Comment").fill("<b>clear</b>");
    await page.getByRole("button", { name: "Accept" }).click();
    await page.waitForFunction(() => document.querySelector(".state").textContent.startsWith("accepted by Inge"));
    await page.reload();
    await page.waitForFunction(() => document.querySelector(".state")?.textContent.includes("<b>clear</b>"));
    await page.goto(`${address.split("?")[0]}#/?review=accepted`);
    await page.waitForFunction(() => document.querySelector(".caption")?.textContent.startsWith("1 of"));
  },

  /** Frames and rasters a second while panning and brushing; printed as JSON. */
  async frames(page) {
    const begin = Date.now();
    await page.goto(address);
    await ready(page);
    const firstMap = Date.now() - begin;
    await page.waitForFunction(() => !window.epicat.reading && !/reading/.test(document.querySelector(".caption").textContent));
    const complete = Date.now() - begin;
    await page.waitForTimeout(3000);
    const panning = await page.evaluate(() => window.epicatFrames(async (k) => {
      const map = document.querySelector(".map");
      map.dispatchEvent(new KeyboardEvent("keydown", { key: k % 40 < 20 ? "ArrowLeft" : "ArrowRight" }));
    }));
    const brushing = await page.evaluate(() => window.epicatFrames(async (k) => {
      const [low, high] = window.epicat.catalog.times;
      const at = low + ((high - low) * (k % 60)) / 80;
      window.epicat.setFilter({ time: [at, at + (high - low) / 5] }, true);
    }));
    // The same selection on every machine, however far the brush came.
    await page.evaluate(() => {
      const [low, high] = window.epicat.catalog.times;
      window.epicat.setFilter({ time: [low + (high - low) / 4, low + (high - low) / 2] });
    });
    await page.waitForFunction(() => window.epicat.list.rows.length === window.epicat.selected && location.hash.includes("time="));
    const [events, total] = await page.evaluate(() => [window.epicat.selected, window.epicat.total]);
    const times = await page.evaluate(() => window.epicat.filter.time);
    const heap = await page.evaluate(() => Math.round(performance.memory.usedJSHeapSize / 1e6));
    console.log(JSON.stringify({ events, total, times, firstMap, complete, panning, brushing, heap }));
    assert.ok(firstMap <= 3000, `the first map after ${firstMap} ms`);
    assert.ok(panning.frames >= 30, `panning: ${panning.frames} frames a second`);
    assert.ok(brushing.frames >= 30, `brushing: ${brushing.frames} frames a second`);
  },

  /** The page of an event with the waveforms of thirty stations: from the catalog, next by key, and as the first page. */
  async waveforms(page) {
    const shown = () => page.waitForFunction(() => /30 waveforms, above/.test(document.querySelector(".detail")?.textContent ?? ""));
    const took = async (step) => {
      const begin = Date.now();
      await step();
      await shown();
      return Date.now() - begin;
    };
    await page.goto(address);
    await ready(page);
    const id = await firstEvent(page);
    const opened = await took(() => page.evaluate((name) => { location.hash = `#/event/${name}`; }, id));
    const traces = await page.locator(".chart .trace").count();
    const next = await took(async () => {
      await page.keyboard.press("n");
      await page.waitForFunction((name) => !document.querySelector("h2").textContent.includes(name), id);
    });
    const direct = page.url();
    await page.goto("about:blank");
    const first = await took(() => page.goto(direct));
    console.log(JSON.stringify({ traces, opened, next, first }));
    assert.equal(traces, 30);
    for (const [way, time] of Object.entries({ opened, next, first })) assert.ok(time <= 2000, `${way}: ${time} ms`);
  },
};

async function firstEvent(page) {
  await page.waitForFunction(() => window.epicat?.list.rows.length > 0);
  return page.evaluate(() => window.epicat.catalog.id(window.epicat.list.rows[0]));
}

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--enable-precise-memory-info"],
});
const context = await browser.newContext({ viewport: SIZES.desktop, javaScriptEnabled: name !== "plain" });
const page = await context.newPage();
if (process.env.SLOWDOWN) {
  const session = await context.newCDPSession(page);
  await session.send("Emulation.setCPUThrottlingRate", { rate: Number(process.env.SLOWDOWN) });
}
const problems = [];
const requests = [];
page.on("pageerror", (error) => problems.push(error.message));
page.on("console", (message) => { if (message.type() === "error") problems.push(message.text()); });
page.on("request", (request) => { if (!/^(blob|data):/.test(request.url())) requests.push(request.url()); });
await page.addInitScript(() => {
  window.epicatFrames = async (step, seconds = 4) => {
    const start = performance.now();
    const drawn = window.epicat.painter.drawings;
    let frames = 0;
    while (performance.now() - start < seconds * 1000) {
      await step(frames++);
      await new Promise(requestAnimationFrame);
    }
    const passed = (performance.now() - start) / 1000;
    return { frames: Math.round(frames / passed), rasters: Math.round((window.epicat.painter.drawings - drawn) / passed) };
  };
});

/** Without scripts there is a static picture. */
cases.plain = async () => {
  await page.goto(address);
  assert.ok(await page.locator("noscript svg, svg").first().isVisible());
};

let failed = 0;
try {
  await cases[name](page, context, requests);
  assert.deepEqual(problems, []);
} catch (error) {
  console.error(error.message, problems);
  await page.screenshot({ path: join(folder, `${name}.png`) }).catch(() => undefined);
  failed = 1;
}
await browser.close();
process.exit(failed);
