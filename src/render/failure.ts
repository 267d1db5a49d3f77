/**
 * Writes the words to a person whose turn failed: why, and which calls of tools have run before (R11).
 */

import type { Step } from "../core/step.ts";
import type { TurnFailure } from "../core/turn/turn_outcome.ts";
import { readerTime } from "../lib/text/units.ts";
import type { FAILURE_NOTICES } from "./notices/failures.ts";
import { notice, type Texts } from "./notices/notices.ts";

const KEYS: Readonly<Record<TurnFailure, (keyof typeof FAILURE_NOTICES)>> = {
  unauthorized: "failureKey",
  quota: "failureQuota",
  no_memory: "failureMemory",
  not_found: "failureSetup",
  web_page: "failureSetup",
  redirected: "failureSetup",
  rate_limited: "failureBusy",
  unavailable: "failureBusy",
  context_length: "failureTooLong",
  timeout: "failureSlow",
  late: "failureSlow",
  steps: "failureSteps",
  filtered: "failureFiltered",
  rejected: "failure",
  not_an_answer: "failure",
  unread_call: "failureCall",
  unexpected: "failure",
};

/** Failures after which a server may name the time from which on it takes requests. */
const LIMITED: ReadonlySet<TurnFailure> = new Set(["rate_limited", "quota", "unavailable"]);

/** Longest wait in milliseconds that is "a few minutes". */
const FEW_MINUTES_MS = 5 * 60_000;

/**
 * The words to a person about a failed turn.
 *
 * @param steps The steps that it took: the person must learn what has happened already.
 * @param retry The present, and for how long the server takes no requests, in milliseconds.
 */
export function failureText(
  why: TurnFailure,
  id: string,
  steps: readonly Step[],
  texts: Texts,
  { now, afterMs = 0 }: { readonly now: number; readonly afterMs?: number | undefined } = {
    now: 0,
  },
): string {
  const key = LIMITED.has(why) && afterMs > FEW_MINUTES_MS ? "failureLimited" : KEYS[why];
  const isOwn = texts.failure !== undefined && texts[key] === undefined;
  const at = now + afterMs;
  const when = `${readerTime(at, "R")} (${readerTime(at, "f")})`;
  const lines = [notice(isOwn ? "failure" : key, { id, when }, texts)];
  const { done, unclear } = madeBy(steps);
  if (done.length > 0) lines.push(notice("failureDone", { calls: listOf(done) }, texts));
  if (unclear.length > 0) lines.push(notice("failureUnclear", { calls: listOf(unclear) }, texts));
  return lines.join("\n");
}

/** Maximum number of calls in a line. */
const MAX_CALLS = 10;

function listOf(calls: readonly string[]): string {
  const all = [...new Set(calls)];
  const shown = all.slice(0, MAX_CALLS).map((call) => `\`${call}\``);
  return all.length > shown.length ? `${shown.join(", ")} …` : shown.join(", ");
}

/** Names of the calls that have run, and of those whose outcome is unknown. */
function madeBy(steps: readonly Step[]): Readonly<Record<"done" | "unclear", readonly string[]>> {
  const done: string[] = [];
  const unclear: string[] = [];
  let open = new Map<string, string>();
  const begun = new Set<string>();
  const leave = () => unclear.push(...[...open].flatMap(([id, name]) => begun.has(id) ? name : []));
  for (const step of steps) {
    switch (step.kind) {
      case "answer":
        open = new Map(step.calls.map((call) => [call.id, nameOf(call)]));
        begun.clear();
        break;
      case "begun":
        begun.add(step.callId);
        break;
      case "result": {
        const name = open.get(step.callId);
        open.delete(step.callId);
        if (name !== undefined && step.end === "done") done.push(name);
        if (name !== undefined && step.end === "unknown") unclear.push(name);
        break;
      }
      case "cut":
      case "joined":
      case "spoken":
      case "waits":
    }
  }
  leave();
  return { done, unclear };
}

/** A tool with its action. The model may call a tool that does not exist, by any name. */
function nameOf(call: { readonly name: string; readonly arguments: string }): string {
  const [, action] = /"action"\s*:\s*"(\w{1,40})"/.exec(call.arguments) ?? [];
  const name = call.name.replace(/[^\w-]/g, "").slice(0, 64) || "?";
  return action === undefined ? name : `${name} ${action}`;
}
