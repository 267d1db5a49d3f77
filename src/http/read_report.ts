/** Reads the answer of `/status`, which another program on the bot's port could have written. */

import { z } from "zod";
import { jsonLine, parseForeignJson } from "../lib/text/json.ts";

const status = z.enum(["pass", "warn", "fail"]);

/** The part of a report that the command line shows, as the bot writes it. */
export const reportSchema = z.object({
  status,
  build: z.object({ version: z.string(), commit: z.string(), runtime: z.string() }),
  snapshot: z.object({
    phase: z.enum(["starting", "running", "draining"]),
    eventLoopLagMs: z.number(),
    accounts: z.array(z.object({
      id: z.string(),
      name: z.string().optional(),
      state: z.enum(["running", "disabled", "ended"]),
      end: z.string().optional(),
    })),
  }),
  findings: z.array(z.object({
    id: z.string(),
    what: z.string(),
    status: z.enum(["pass", "warn", "fail", "skipped"]),
    where: z.string().optional(),
    why: z.string(),
    fix: z.string().optional(),
  })),
});

export type ShownReport = z.infer<typeof reportSchema>;

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
    return { report: data, json: jsonLine(value) };
  } catch {
    return undefined; // nested so deep that the stack overflows
  }
}
