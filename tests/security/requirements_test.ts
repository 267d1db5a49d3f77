/** Holds the list of security requirements together: each has attacks in this folder. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { it } from "node:test";
import { filesIn } from "../../scripts/import_graph.ts";

const ROOT = join(import.meta.dirname ?? ".", "..", "..");

/** Requirements whose attacks need no whole bot. Their tests run on both runtimes. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  "SEC-R10": "tests/render/safety/visible_test.ts",
  "SEC-R17": "tests/core/rights/rights_test.ts",
  "SEC-R18": "tests/flows/actions/targets_test.ts",
  "SEC-R19": "tests/store/questions/questions_test.ts",
  "SEC-R20": "tests/exec/exec_test.ts",
  "SEC-R21": "tests/core/exec/command_test.ts",
  "SEC-R22": "tests/exec/exec_test.ts",
  "SEC-R23": "tests/web/fetch_text_test.ts",
  "SEC-R24": "tests/media/files_test.ts",
  "SEC-R26": "tests/flows/turn/budgets_test.ts",
};

/** The requirements that have a paragraph. */
function paragraphs(): readonly string[] {
  const page = readFileSync(join(ROOT, "docs", "specification", "security.md"), "utf8");
  return Array.from(page.matchAll(/^## (SEC-R\d+) · /gm), ([, mark = ""]) => mark);
}

/** The requirements with a file `sec_r<number>_test.ts` here, or elsewhere, whose titles name them. */
function tested(): readonly string[] {
  const elsewhere = Object.entries(ELSEWHERE).map(([mark, path]) => {
    const text = readFileSync(join(ROOT, path), "utf8");
    assert.ok(text.includes(`[${mark}]`), `${path} has no title with [${mark}]`);
    return mark;
  });
  const here = filesIn(ROOT, "tests/security").flatMap((path) => {
    const number = /^sec_r(\d+)_test\.ts$/.exec(basename(path))?.[1];
    if (number === undefined) return [];
    const text = readFileSync(join(ROOT, path), "utf8");
    assert.ok(text.includes(`[SEC-R${number}]`), `${path} has no title with [SEC-R${number}]`);
    return [`SEC-R${number}`];
  });
  return [...elsewhere, ...here];
}

const byNumber = (one: string, other: string) => Number(one.slice(5)) - Number(other.slice(5));

it("the security requirements › have attacks in one file each", () => {
  assert.deepEqual(tested().toSorted(byNumber), paragraphs());
});
