/**
 * Bench: the speed of splitting an answer into messages, in megabytes a second.
 *
 * A megabyte of each kind of text passes the steps of a reply: its tables, then all of its cuts. A
 * real answer of that length stops after the first thirteen messages and becomes a file. The bench
 * runs in Bun, the binary's runtime, in a process of its own.
 */

import { chunk, type ChunkRules } from "../../src/render/markdown/chunk.ts";
import { renderTables } from "../../src/render/markdown/table.ts";
import { readInBun } from "../stand/in_bun.ts";
import { quantile, type Readings } from "../stand/stats.ts";

const ROUNDS = 15;
const MEGABYTE = 1_000_000;
const RULES: ChunkRules = { limit: 2_000, maxLines: 17, mode: "length", maxChunks: 12 };

const PROSE = "Krill are small, and there are many of them; whales, on the other hand, are few. " +
  "No one has counted either, but those who tried say that the krill weigh more.\n\n";
const CODE = "```ts\n" +
  "const whale = { name: 'blue', krill: 40_000_000 };\n  feed(whale);\n\n".repeat(20) + "```\n\n";
const MARKDOWN = "## What they *eat*\n\n" + PROSE +
  "- **Krill**, see [the survey](https://example.org/krill_(2024)?page=1)\n" +
  "  - `plankton` and ||what is left|| of it\n  - <@123456789012345678> counts them\n" +
  "1. First\n2. Second, with https://example.org/a_b_c\n\n> Quoted, as a friend said:\n> so it is.\n\n" +
  CODE.slice(0, 200) +
  "\n```\n\n| Whale | Krill |\n|:--|--:|\n| blue | 40,000,000 |\n| minke | few |\n\n";
const WIDE = "クジラはオキアミを食べる。一日に四千万匹も食べることがあるが、冬には何も食べない。";

/** Makes a text of about this length; the cost of making it is not measured. */
const TEXTS: Readonly<Record<string, string>> = {
  Prose: filled(PROSE),
  Markdown: filled(MARKDOWN),
  Code: filled(CODE),
  OneFence: "```ts\n" + filled(CODE.slice(6, -6)) + "\n```",
  Wide: filled(WIDE),
  Solid: filled("x"),
};

function filled(sample: string): string {
  return sample.repeat(Math.ceil(MEGABYTE / sample.length)).slice(0, MEGABYTE);
}

/** Milliseconds for a megabyte of each kind, and megabytes of Markdown per second. */
function readings(): Readings {
  const readings: Record<string, number> = {};
  for (const [name, text] of Object.entries(TEXTS)) {
    readings[`chunk${name}Ms`] = timeOf(() => chunk(renderTables(text, "code"), RULES));
  }
  const { Markdown = "" } = TEXTS;
  readings["chunkFirstMs"] = timeOf(() => chunk(renderTables(Markdown, "code"), RULES, 13));
  readings["chunkMbPerSec"] = 1_000 / (readings["chunkMarkdownMs"] ?? NaN);
  return readings;
}

function timeOf(run: () => unknown): number {
  const times = Array.from({ length: ROUNDS }, () => {
    const startedAt = performance.now();
    run();
    return performance.now() - startedAt;
  });
  return quantile(times, 0.5);
}

/** Milliseconds in Bun for a megabyte of text. */
export function benchChunker(): Readings {
  return readInBun(import.meta.url);
}

if (import.meta.main) console.log(JSON.stringify(readings(), undefined, 1));
