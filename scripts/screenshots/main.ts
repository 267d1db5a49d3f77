/**
 * Makes the pictures of README and docs: `deno task screenshots`.
 *
 * The real bot runs on the simulated Discord, and Chromium shows its pages. The talk there is
 * invented, and so are the figures of the last day, which are stored before the bot starts. It
 * compiles the binary first. Arguments name single pictures.
 */

import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { pathOf, PICTURES, problemsOf } from "./pictures.ts";
import { takePictures } from "./take.ts";

const ROOT = join(import.meta.dirname ?? ".", "..", "..");

const names = process.argv.slice(2);
execFileSync(process.execPath, ["task", "compile", "host"], { cwd: ROOT, stdio: "ignore" });
const wanted = PICTURES.filter(({ name }) => names.length === 0 || names.includes(name));
for await (const { picture, bytes } of takePictures(wanted)) {
  writeFileSync(join(ROOT, pathOf(picture)), bytes);
  console.log(`${pathOf(picture)}: ${bytes.length} bytes`);
}
const problems = problemsOf(ROOT);
for (const problem of problems) console.error(problem);
process.exitCode = problems.length > 0 ? 1 : 0;
