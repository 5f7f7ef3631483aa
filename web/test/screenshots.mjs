// Screenshots of the page for the documentation: node screenshots.mjs REPORT.html VIEW_URL FOLDER [NAME ...]
// REPORT.html is a report with some thousand events, VIEW_URL the address that `epicat view` printed for the
// catalog of `epicat demo`.  With names, such as "event", only those pictures are made.
import { join } from "node:path";
import { chromium } from "playwright-core";

const [report, view, folder, ...only] = process.argv.slice(2);
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM || "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"] });

async function shoot(name, address, { width = 1440, height = 900, colorScheme = "light", prepare = async () => undefined, clip } = {}) {
  if (only.length && !only.includes(name)) return;
  const context = await browser.newContext({ viewport: { width, height }, colorScheme });
  const page = await context.newPage();
  await page.goto(address);
  await page.waitForFunction(() => window.epicat?.list.rows.length > 0 && window.epicat.details.stationDays);
  await prepare(page);
  await page.evaluate(() => {
    // Paths of the machine that makes the pictures say nothing to readers.
    for (const element of document.querySelectorAll("header p, dd")) {
      if (element.textContent === window.epicat.source.config.location) element.textContent = "catalog";
      else if (/^\/\S+$/.test(element.textContent)) element.textContent = element.textContent.split("/").slice(-2).join("/");
    }
  });
  await page.waitForTimeout(700);
  await page.screenshot({ path: join(folder, `look-${name}.png`), fullPage: !clip, clip });
  await context.close();
}

const open = (hash) => async (page) => {
  await page.evaluate((h) => { location.hash = h; }, hash);
  await page.waitForSelector(".detail");
};
const busiest = async (page) => {
  const name = await page.evaluate(() => window.epicat.stations[3].name);
  await open(`#/station/${encodeURIComponent(name)}`)(page);
};
const brushed = async (page) => {
  await page.evaluate(() => {
    const { catalog } = window.epicat;
    const [low, high] = catalog.times;
    window.epicat.setSection({ azimuth: 130 });
    window.epicat.setFilter({ time: [low + (high - low) * 0.04, low + (high - low) * 0.3] });
  });
};

await shoot("catalog", report);
await shoot("dark", report, { colorScheme: "dark", prepare: brushed });
await shoot("phone", report, { width: 390, height: 844, prepare: brushed });
await shoot("statistics", report, { prepare: open("#/statistics") });
await shoot("station", report, { prepare: busiest });
await shoot("provenance", view, { prepare: open("#/provenance"), height: 1100, clip: { x: 0, y: 0, width: 1440, height: 1100 } });
await shoot("event", view, {
  prepare: async (page) => {
    const id = await page.evaluate(() => window.epicat.catalog.id(window.epicat.list.rows[6]));
    await open(`#/event/${id}`)(page);
    await page.waitForFunction(() => /waveforms, above/.test(document.body.textContent));
  },
});
await browser.close();
