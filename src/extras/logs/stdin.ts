/** Reads a log from stdin: `docker logs barnacle 2>&1 | barnacle logs --file -`. */

import process from "node:process";
import { LineDivider, parseLine, type ReadLine } from "./lines.ts";
import type { LogSource } from "./source.ts";

/** The lines of stdin, or of a test's bytes. */
export function stdinSource(input: AsyncIterable<Uint8Array> = process.stdin): LogSource {
  async function* lines(): AsyncIterable<ReadLine> {
    const divider = new LineDivider();
    for await (const bytes of input) yield* divider.push(bytes).map(parseLine);
    const last = divider.end();
    if (last !== undefined) yield parseLine(last);
  }
  return { name: "stdin", from: lines, follow: lines };
}
