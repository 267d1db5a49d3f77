/** Error responses of the simulated REST API. */

import type { z } from "zod";
import { type FieldProblem, toProblems } from "../world/field_problems.ts";
import { type Refused, refuseForm, toErrorBody } from "../world/refusals.ts";

/** Answers with Discord's error. */
export function answerRefused(
  refused: Refused,
  headers: Readonly<Record<string, string>> = {},
): Response {
  return Response.json(toErrorBody(refused), { status: refused.status, headers });
}

/** Answers that fields are invalid (50035). */
export function answerProblems(problems: readonly FieldProblem[]): Response {
  return answerRefused(refuseForm(...problems).refused);
}

/** Answers with a schema's findings. */
export function answerMalformed(error: z.ZodError): Response {
  return answerProblems(toProblems(error));
}

/** Answers 429, as Discord does. */
export function answerRateLimited(
  retryAfterSec: number,
  isGlobal: boolean,
  headers: Readonly<Record<string, string>>,
): Response {
  return Response.json({
    message: "You are being rate limited.",
    retry_after: retryAfterSec,
    global: isGlobal,
  }, { status: 429, headers });
}

/** A page of the proxy before Discord: no JSON, and no headers of Discord. */
export function answerHtml(
  status: number,
  headers: Readonly<Record<string, string>> = {},
): Response {
  return new Response(
    `<!DOCTYPE html>\n<html><head><title>${status}</title></head><body>cloudflare</body></html>\n`,
    { status, headers: { "Content-Type": "text/html; charset=UTF-8", ...headers } },
  );
}
