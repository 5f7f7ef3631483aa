// Screenshots of the documentation's site: node tools/screenshots.mjs SITE FOLDER [PAGE#ANCHOR ...]
// At 1,280 and 390 px; prints the tables, pictures and code that are wider than their page and
// cannot be scrolled.  Needs `cd web && npm ci --ignore-scripts` and Debian's chromium.
import { createRequire } from "node:module";
import { mkdirSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

const require = createRequire(new URL("../web/package.json", import.meta.url));
const { chromium } = require("playwright-core");

const [site, folder, ...given] = process.argv.slice(2);
const pages = given.length
    ? given
    : ["index.html", "tutorial/first-catalog.html", "concepts/comparison.html#what-each-does"];
const widths = [1280, 390];

/** Elements that end outside of the window although nothing scrolls there. */
function tooWide() {
    const wide = document.documentElement.clientWidth;
    const scrolls = (element) => {
        for (let at = element; at && at !== document.body; at = at.parentElement) {
            if (["auto", "scroll"].includes(getComputedStyle(at).overflowX)) return true;
        }
        return false;
    };
    return [...document.querySelectorAll("article table, article img, article pre, article p, article li")]
        .filter((element) => element.getBoundingClientRect().right > wide + 1 && !scrolls(element))
        .map((element) => `${element.tagName} ${element.textContent.slice(0, 50).trim()}`);
}

mkdirSync(folder, { recursive: true });
const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
let bad = 0;
for (const width of widths) {
    const tab = await browser.newPage({ viewport: { width, height: width > 600 ? 800 : 844 } });
    for (const page of pages) {
        const [path, anchor] = page.split("#");
        const address = pathToFileURL(resolve(site, path)).href + (anchor ? `#${anchor}` : "");
        await tab.goto(address, { waitUntil: "load" });
        const name = `${path.replace(/\.html$/, "").replaceAll("/", "-")}-${width}.png`;
        await tab.screenshot({ path: `${folder}/${name}` });
        for (const found of await tab.evaluate(tooWide)) {
            bad += 1;
            console.log(`${path} at ${width} px: ${found}`);
        }
    }
    await tab.close();
}
await browser.close();
process.exit(bad ? 1 : 0);
