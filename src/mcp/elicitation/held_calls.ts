/**
 * Keeps calls whose server asks a person something ("elicitation", T13).
 *
 * The turn is parked with a question, as for the tool `ask`. The call itself stays in memory, because
 * its server waits on an open connection. So few calls may wait, and not for long. After a restart,
 * the connection is lost, and the model learns that the outcome is unknown.
 */

import { MAX_FIELDS } from "../../core/people/form.ts";
import { type Decision, DENY, type Question, type ServerWish } from "../../core/people/question.ts";
import { type ToolContext, UnknownOutcomeError, WaitsForPerson } from "../../core/turn/tool.ts";
import type { StartTimer } from "../../lib/clock.ts";
import type { AskingCall, Elicitation, ElicitationAnswer } from "./asking.ts";
import { contentOf, readWish, type WishedField } from "./wish.ts";

/** Calls that may wait at the same time: each holds its connection. */
const MAX_HELD = 8;
/** Milliseconds that a question waits at most. Most servers give up sooner. */
const QUESTION_MS = 10 * 60_000;
/** Milliseconds after a question's end until its call is given up, if no turn goes on with it. */
const GRACE_MS = 30_000;
/** Maximum number of questions of one call. */
const MAX_ROUNDS = 12;
/** Maximum number of times that a page with problems is asked. */
const MAX_TRIES = 3;
/** Maximum UTF-16 units of a question in a note for the model. */
const MAX_NOTED = 500;

interface HeldCall {
  readonly done: Promise<unknown>;
  readonly stop: AbortController;
  /** Number of questions so far. */
  round: number;
  open?: { readonly question: Question; readonly decide: (decision: Decision) => void };
  /** Tells the waiting run that there is an open question. */
  onAsked?: () => void;
}

/**
 * Creates the calls. The function is long because its inner functions share one state: the calls
 * that wait, and their questions.
 */
export function createHeldCalls(schedule: StartTimer) {
  const calls = new Map<string, HeldCall>();
  const waiting = () => [...calls.values()].filter(({ open }) => open).length;

  function begin<Result>(
    about: { readonly server: string; readonly tool: string },
    context: ToolContext,
    start: (signal: AbortSignal, call: AskingCall) => Promise<Result>,
  ): HeldCall {
    const { ports: { questions }, message: { sender }, callKey } = context;
    const stop = new AbortController();
    let notes: string[] = [];
    const timeoutMs = Math.min(QUESTION_MS, questions.askTimeoutMs());

    /** Puts one card to the person, and waits. */
    async function decide(message: string, wish: ServerWish): Promise<Decision> {
      held.round++;
      const { promise, resolve } = Promise.withResolvers<Decision>();
      const question = questions.ofServer({ ...about, message, wish, asked: sender.id, timeoutMs });
      held.open = { question, decide: resolve };
      const cancel = schedule(() => {
        resolve({ kind: "withdrawn" });
        calls.delete(callKey);
      }, timeoutMs + GRACE_MS);
      held.onAsked?.();
      try {
        return await promise;
      } finally {
        cancel();
        delete held.open;
      }
    }

    async function fillIn(
      message: string,
      fields: readonly WishedField[],
    ): Promise<ElicitationAnswer> {
      const content: Record<string, unknown> = {};
      const pages = Math.ceil(fields.length / MAX_FIELDS);
      for (let page = 1; page <= pages; page++) {
        const shown = fields.slice((page - 1) * MAX_FIELDS, page * MAX_FIELDS);
        let problems: readonly string[] = [];
        for (let tries = 0; tries === 0 || problems.length > 0; tries++) {
          if (tries === MAX_TRIES || held.round === MAX_ROUNDS) return { action: "cancel" };
          const form = shown.map(({ field }) => field);
          const wish = { kind: "form", fields: form, page, pages, problems } as const;
          const decision = await decide(message, wish);
          const no = refusalIn(decision);
          if (no || decision.kind !== "answered") return no ?? { action: "cancel" };
          const read = contentOf(shown, decision.answer.fields ?? []);
          Object.assign(content, read.content);
          ({ problems } = read);
        }
      }
      return { action: "accept", content };
    }

    async function ask({ message, ...params }: Elicitation["params"]): Promise<ElicitationAnswer> {
      const wish = readWish(params);
      if (wish.kind === "refused") {
        call.unanswered(message, wish.why);
        return { action: "decline" };
      }
      if (!context.mayWait || waiting() >= MAX_HELD || held.round >= MAX_ROUNDS) {
        call.unanswered(message, "no person can be asked now");
        return { action: "cancel" };
      }
      if (wish.kind === "form" && wish.fields.length > 0) return await fillIn(message, wish.fields);
      const decision = await decide(message, wish.kind === "form" ? { kind: "confirm" } : wish);
      const yes = wish.kind === "form" ? { content: {} } : {};
      return refusalIn(decision) ?? { action: "accept", ...yes };
    }

    const call: AskingCall = {
      isWaiting: () => held.open !== undefined,
      ask,
      unanswered(message, why) {
        const words = JSON.stringify(message.slice(0, MAX_NOTED).toWellFormed());
        notes.push(`[the server asked a person: ${words}. The question reached no one: ${why}.]`);
      },
      taken() {
        const all = notes;
        notes = [];
        return all;
      },
    };
    // A question cannot come before `held` exists: `start` has not returned yet.
    const begun = Promise.withResolvers<unknown>();
    const held: HeldCall = { done: begun.promise, stop, round: 0 };
    begun.promise.catch(() => {}); // perhaps no turn goes on with it
    begun.resolve(start(stop.signal, call));
    return held;
  }

  return {
    /**
     * Starts a call, or goes on with one that waited for the decision of the context.
     *
     * @param about The server and the tool, for people.
     * @throws {WaitsForPerson} If the server asks something.
     * @throws {UnknownOutcomeError} If the call that waited is lost.
     */
    async run<Result>(
      about: { readonly server: string; readonly tool: string },
      context: ToolContext,
      start: (signal: AbortSignal, call: AskingCall) => Promise<Result>,
    ): Promise<Result> {
      const { callKey, signal } = context;
      const decision = context.decision;
      const known = calls.get(callKey);
      if (decision && !known) {
        throw new UnknownOutcomeError(
          `the MCP server ${about.server} asked a person and waited for the answer; the connection ` +
            "was lost meanwhile, so it did not get the answer",
        );
      }
      const held = known ?? begin(about, context, start);
      calls.set(callKey, held);
      const answered = decision && held.open;
      const asked = Promise.withResolvers<"asked">();
      held.onAsked = () => asked.resolve("asked");
      if (answered && decision) answered.decide(decision);
      else if (held.open) asked.resolve("asked");
      const onAbort = () => held.stop.abort(signal.reason);
      if (signal.aborted) onAbort();
      signal.addEventListener("abort", onAbort, { once: true });
      let isHeld = false;
      try {
        const first = await Promise.race([asked.promise, held.done]);
        if (first === "asked" && held.open) {
          isHeld = true;
          throw new WaitsForPerson(held.open.question);
        }
        // `start` gave this promise, for a run with the same types.
        return await (held.done as ReturnType<typeof start>);
      } finally {
        delete held.onAsked;
        signal.removeEventListener("abort", onAbort);
        if (!isHeld) calls.delete(callKey);
      }
    },
    close(): void {
      for (const { stop, open } of calls.values()) {
        stop.abort(new Error("the MCP servers are closed"));
        open?.decide({ kind: "withdrawn" });
      }
      calls.clear();
    },
  };
}

export type HeldCalls = ReturnType<typeof createHeldCalls>;

/** The answer for the server if the person gives none; `undefined` if the person does. */
function refusalIn(decision: Decision): ElicitationAnswer | undefined {
  if (decision.kind !== "answered") return { action: "cancel" };
  return decision.answer.choice === DENY ? { action: "decline" } : undefined;
}
