/**
 * Writes the words to a person whose turn failed: why, and which calls of tools have run before (R11).
 */

import type { Step, TurnFailure } from "../core/step.ts";
import { readerTime } from "../lib/text/units.ts";
import { failedText } from "./sentences.ts";

const NOT_FOUND =
  "I can't answer: I don't find my model at its address, which only my operator can change.";
const OVERLOADED =
  "My model is overloaded or unreachable at the moment. Please ask me again in a few minutes.";
const BROKEN = "The server of my model failed at this. Please ask me again in a few minutes.";
const LIMIT =
  "My model takes no more requests at the moment. Please ask me again in a few minutes.";
const SLOW = "My model took too long to answer. Please ask me again later.";

/** A sentence for each thing that people can do about a failure; absent: the usual one. */
const SENTENCES: Readonly<Partial<Record<TurnFailure, string>>> = {
  unauthorized:
    "I can't answer: my model's server refuses my key, which only my operator can change.",
  quota: "I can't answer: the credit for my model is used up, which only my operator can change.",
  no_memory:
    "I can't answer: the machine of my model has too little memory for it, which only my " +
    "operator can change.",
  not_found: NOT_FOUND,
  web_page: NOT_FOUND,
  redirected: NOT_FOUND,
  rate_limited: LIMIT,
  unavailable: OVERLOADED,
  server_error: BROKEN,
  context_length: "This is more than my model can read at once. Please send less, or begin a new " +
    "conversation with `/new`.",
  timeout: SLOW,
  late: SLOW,
  steps: "I used all my steps and came to no answer. Please ask me for a smaller part of it.",
  filtered: "My model refuses to answer this. Please ask in other words.",
  unread_call: "I can't answer: my model called a tool, and its server did not understand the " +
    "call, which only my operator can change.",
};

/** Failures after which a server may name the time from which on it takes requests. */
const LIMITED: ReadonlySet<TurnFailure> = new Set([
  "rate_limited",
  "quota",
  "unavailable",
  "server_error",
]);

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
  { now, afterMs = 0 }: { readonly now: number; readonly afterMs?: number | undefined } = {
    now: 0,
  },
): string {
  const at = now + afterMs;
  const sentence = LIMITED.has(why) && afterMs > FEW_MINUTES_MS
    ? "My model takes no more requests for now. Please ask me again " +
      `${readerTime(at, "R")} (${readerTime(at, "f")}).`
    : SENTENCES[why];
  const lines = [sentence === undefined ? failedText(id) : `${sentence} Error ID: \`${id}\``];
  const { done, unclear } = madeBy(steps);
  if (done.length > 0) lines.push(`This I had done before: ${listOf(done)}.`);
  if (unclear.length > 0) lines.push(`I can't tell whether this happened: ${listOf(unclear)}.`);
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
