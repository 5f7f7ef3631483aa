// Build the page: src/main.ts and src/page.css into ../src/epicat/viewer/static.
// `node build.mjs --check` builds into memory and fails if a committed file differs.
import { build } from "esbuild";
import { readFileSync, writeFileSync, existsSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const target = join(here, "..", "src", "epicat", "viewer", "static");
const LARGEST_GZIPPED = 200_000;
const common = { bundle: true, minify: true, write: false, target: "es2022", charset: "utf8", legalComments: "none" };

async function text(entry, options = {}) {
  const made = await build({ ...common, entryPoints: [join(here, "src", entry)], ...options });
  return made.outputFiles[0].text;
}

// The worker is a string in the page, because a report is a single file.
async function withWorker() {
  const code = await text("worker/main.ts", { format: "iife" });
  const plugin = {
    name: "worker",
    setup(b) {
      b.onResolve({ filter: /^worker-code$/ }, () => ({ path: "worker-code", namespace: "worker" }));
      b.onLoad({ filter: /.*/, namespace: "worker" }, () => ({ contents: code, loader: "text" }));
    },
  };
  return text("main.ts", { format: "iife", plugins: [plugin] });
}

function notices() {
  const lines = ["page.js contains the following software.", ""];
  const names = Object.keys(JSON.parse(readFileSync(join(here, "package.json"), "utf8")).dependencies);
  for (const name of names) {
    const folder = join(here, "node_modules", name);
    const about = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    lines.push(`${name} ${about.version} (${about.license})`, "", readFileSync(join(folder, "LICENSE"), "utf8").trim(), "");
  }
  return lines.join("\n");
}

const files = {
  "page.js": await withWorker(),
  "page.css": await text("page.css"),
  "THIRD_PARTY.txt": notices(),
};
const size = gzipSync(files["page.js"], { level: 9 }).length + gzipSync(files["page.css"], { level: 9 }).length;
console.log(`${size.toLocaleString("en")} bytes gzipped`);
let failed = size > LARGEST_GZIPPED;
if (failed) console.error(`more than ${LARGEST_GZIPPED} bytes`);
for (const [name, content] of Object.entries(files)) {
  const path = join(target, name);
  if (!process.argv.includes("--check")) {
    writeFileSync(path, content);
  } else if (!existsSync(path) || readFileSync(path, "utf8") !== content) {
    console.error(`${path} is not what web/ builds: run \`make page\` and commit it`);
    failed = true;
  }
}
process.exit(failed ? 1 : 0);
