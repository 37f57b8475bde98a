// Checks the page's scripts with all that `tsc --strict` asks for. Files in `not_strict.json` are not there yet with what
// may be null and what has no type; everything else is asked of them as well (`npm run types`). The list may only become
// shorter: a file on it without a fault fails, too.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

const here = (/** @type {string} */ name) => new URL(name, import.meta.url).pathname;

function complaints() {
  try {
    execFileSync(here("../../node_modules/.bin/tsc"), ["--project", here("tsconfig.strict.json"), "--pretty", "false"], {
      encoding: "utf8",
    });
    return [];
  } catch (error) {
    const { stdout } = /** @type {{stdout: string}} */ (error);
    return stdout.split("\n").filter((line) => line.includes(": error TS"));
  }
}

const fileOf = (/** @type {string} */ line) => line.slice(line.indexOf("studio/ui/static/"), line.indexOf("("));
/** @type {string[]} */
const allowed = JSON.parse(readFileSync(here("not_strict.json"), "utf8"));
const found = complaints();
const faulty = new Set(found.map(fileOf));
const fresh = found.filter((line) => !allowed.includes(fileOf(line)));
const clean = allowed.filter((file) => !faulty.has(file));
for (const line of fresh) console.error(line);
for (const file of clean) console.error(`${file} is strict now: take it off not_strict.json.`);
process.exitCode = fresh.length || clean.length ? 1 : 0;
