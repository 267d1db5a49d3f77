import { readFileSync } from "node:fs";
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { loadedOf } from "./support.ts";

/** Pages whose examples are whole files. */
const PAGES = ["docs/agent.md", "docs/access.md", "docs/upkeep.md"];

describe("[C1] examples of the documents", () => {
  for (const page of PAGES) {
    const text = readFileSync(new URL(`../../${page}`, import.meta.url), "utf8");
    const examples = [...text.matchAll(/```jsonc\n([^]*?)```/g)].map(([, example = ""]) => example);
    it(`${page} › has examples`, () => assert.ok(examples.length > 0));
    for (const [at, example] of examples.entries()) {
      it(`${page} › example ${at + 1} is valid`, async () => {
        await loadedOf(example);
      });
    }
  }
});
