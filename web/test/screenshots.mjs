// Screenshots of the page for the documentation: node screenshots.mjs REPORT.html VIEW_URL FOLDER
// REPORT.html is a report with some thousand events, VIEW_URL the address that `epicat view` printed.
import { join } from "node:path";
import { chromium } from "playwright-core";

const [report, view, folder] = process.argv.slice(2);
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM || "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"] });

async function shoot(name, address, { width = 1440, height = 900, colorScheme = "light", prepare = async () => undefined, clip } = {}) {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme });
  const page = await context.newPage();
  await page.goto(address);
  await page.waitForFunction(() => window.epicat?.list.rows.length > 0 && window.epicat.details.stationDays);
  await prepare(page);
  await page.evaluate(() => {
    // The path of the store on the machine that makes the pictures says nothing to readers.
    for (const element of document.querySelectorAll("header p, dd")) {
      if (element.textContent === window.epicat.source.config.location) element.textContent = "catalog";
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
await shoot("provenance", report, { prepare: open("#/provenance"), height: 700 });
await shoot("event", view, {
  prepare: async (page) => {
    const id = await page.evaluate(() => window.epicat.catalog.id(window.epicat.list.rows[6]));
    await open(`#/event/${id}`)(page);
    await page.waitForFunction(() => /waveforms, above/.test(document.body.textContent));
  },
});
await browser.close();
