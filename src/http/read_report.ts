/**
 * Reads the answer of `/status`, which another program on the bot's port could have written.
 *
 * @module
 */

import { z } from "zod";
import { parseForeignJson } from "../lib/text/json.ts";
import { UNPRINTABLE } from "../lib/text/quoted.ts";
import type { StatusReport } from "./app.ts";

/** The part of a report that the command line shows. */
export type ShownReport = Pick<StatusReport, "status" | "checks"> & {
  readonly build: Pick<StatusReport["build"], "version" | "commit" | "runtime">;
  readonly snapshot: Pick<StatusReport["snapshot"], "phase" | "eventLoopLagMs"> & {
    readonly accounts: readonly Pick<
      StatusReport["snapshot"]["accounts"][number],
      "id" | "name" | "state" | "end"
    >[];
  };
};

const status = z.enum(["pass", "warn", "fail"]);

const reportSchema: z.ZodType<ShownReport> = z.object({
  status,
  build: z.object({ version: z.string(), commit: z.string(), runtime: z.string() }),
  snapshot: z.object({
    phase: z.enum(["starting", "running", "draining"]),
    eventLoopLagMs: z.number(),
    accounts: z.array(z.object({
      id: z.string(),
      name: z.string().exactOptional(),
      state: z.enum(["running", "disabled", "ended"]),
      end: z.string().exactOptional(),
    })),
  }),
  checks: z.array(z.object({
    name: z.string(),
    componentId: z.string().exactOptional(),
    observedValue: z.union([z.string(), z.number()]),
    observedUnit: z.string().exactOptional(),
    status,
    isReady: z.boolean(),
  })),
});

/**
 * Reads a report.
 *
 * @returns The shown part, unescaped, and the whole as JSON on one line that no terminal obeys;
 * `undefined` if the text is no report.
 */
export function readReport(
  text: string,
): { readonly report: ShownReport; readonly json: string } | undefined {
  const value = parseForeignJson(text);
  const { data } = reportSchema.safeParse(value);
  if (data === undefined) return undefined;
  try {
    return { report: data, json: JSON.stringify(value).replace(UNPRINTABLE, escaped) };
  } catch {
    return undefined; // nested so deep that the stack overflows
  }
}

/** A character as JSON escapes it: one escape per UTF-16 unit. */
function escaped(character: string): string {
  return [...Array(character.length).keys()]
    .map((at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, "0")}`)
    .join("");
}
