import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { loadedOf } from "./support.ts";

/** Pages whose examples are whole files. */
const PAGES = ["agent", "agents", "exec", "mcp", "memory", "models", "skills", "access", "upkeep"]
  .map((name) => `docs/${name}.md`);

describe("[C1] examples of the documents", () => {
  for (const page of PAGES) {
    const text = readFileSync(new URL(`../../${page}`, import.meta.url), "utf8");
    const examples = [...text.matchAll(/```jsonc\n([^]*?)```/g)].map(([, example = ""]) => example);
    for (const [at, example] of examples.entries()) {
      it(`${page} › example ${at + 1} is valid`, async () => {
        await loadedOf(example);
      });
    }
  }
});
