/**
 * Asks the process that owns a partition, by rows of PostgreSQL (O16). No process needs a way to another
 * one beside the database that they share.
 */

import { randomUUID } from "node:crypto";
import type { StartTimer } from "../../lib/clock.ts";
import type { AskRows } from "../../store/replica/asks.ts";
import { ANSWER_NOTICE } from "../../store/replica/listen.ts";

/** Milliseconds that a partition may lack an owner: a dead one is replaced within 15 s. */
const OWNERLESS_MS = 20_000;
/** Milliseconds between two looks for an answer, if no notice comes. */
const LOOK_MS = 500;
/** Milliseconds that the ends of requests may take: a reader that waits does not hear of one. */
const END_MS = 1_000;
/** Maximum number of requests of a process at once. */
const MOST = 100;

/** Why a request has no answer. */
export type AskFailure =
  /** The process asks too much at once: nothing has begun. */
  | "busy"
  /** No process owns the partition, or its owner has not taken the request: nothing has begun. */
  | "untaken"
  /** The process that had taken it ended, or lost the partition; or this one ends. */
  | "lost"
  /** The owner refused it before it began. */
  | "refused"
  /** It failed there. */
  | "failed"
  /** The caller waits no more. */
  | "aborted";

/** Thrown if a request has no answer, or no whole one. */
export class AskError extends Error {
  override readonly name = "AskError";
  readonly kind: AskFailure;

  constructor(kind: AskFailure, message: string) {
    super(message);
    this.kind = kind;
  }
}

/** Asks the owner of a partition; the answer comes part by part. */
export type AskPartition = (
  partition: number,
  question: string,
  signal: AbortSignal,
) => AsyncIterable<string>;

/** Creates the requests of one process. It is long because its functions share those that are open. */
export function createAsker(
  { rows, schedule, elapsed }: {
    readonly rows: Pick<AskRows, "add" | "read" | "remove">;
    readonly schedule: StartTimer;
    /** Milliseconds of a clock that never goes back. */
    readonly elapsed: () => number;
  },
) {
  const waiting = new Map<string, () => void>();
  const running = new Set<Promise<void>>();
  /** Aborts when this process ends. */
  const leaving = new AbortController();

  /** Waits for a notice about a request, for the next look, or for the caller's end. */
  async function next(id: string, signal: AbortSignal, isHeard: () => boolean): Promise<void> {
    if (isHeard() || signal.aborted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    waiting.set(id, resolve);
    signal.addEventListener("abort", () => resolve(), { once: true });
    const cancel = schedule(resolve, LOOK_MS);
    await promise;
    cancel();
  }

  async function* ask(
    partition: number,
    question: string,
    signal: AbortSignal,
  ): AsyncGenerator<string> {
    if (leaving.signal.aborted) throw new AskError("busy", ENDS);
    if (waiting.size >= MOST) throw new AskError("busy", "too many requests to other processes");
    const id = randomUUID();
    const ending = AbortSignal.any([signal, leaving.signal]);
    const { promise: ended, resolve: onEnded } = Promise.withResolvers<void>();
    running.add(ended);
    let ownedAt = elapsed();
    let isHeard = false;
    const hear = () => void (isHeard = true);
    waiting.set(id, hear);
    let last = -1;
    try {
      await rows.add({ id, partition, question });
      for (;;) {
        if (ending.aborted) throw await endOf(id, signal);
        isHeard = false;
        waiting.set(id, hear);
        const state = await rows.read(id, last);
        for (const { number, text, kind } of state?.parts ?? []) {
          if (kind === "failed" || kind === "refused") throw new AskError(kind, text);
          last = number;
          if (text !== "") yield text;
          if (kind === "last") return;
        }
        if (!state || state.kind === "lost") throw lost();
        if (state.kind !== "ownerless") ownedAt = elapsed();
        else if (elapsed() - ownedAt >= OWNERLESS_MS) {
          if (await rows.remove(id)) throw lost();
          throw new AskError("untaken", "no process owns these data now");
        }
        await next(id, ending, () => isHeard);
      }
    } finally {
      waiting.delete(id);
      await rows.remove(id).catch(() => {}); // the next check removes it
      running.delete(ended);
      onEnded();
    }
  }

  /** The end of a request before that of its answer. */
  async function endOf(id: string, signal: AbortSignal): Promise<AskError> {
    const isTaken = await rows.remove(id).catch(() => true);
    if (!isTaken) {
      const why = "the process that owns these data has not taken the request in time";
      return new AskError("untaken", why);
    }
    return signal.aborted
      ? new AskError("aborted", "the request has ended")
      : new AskError("lost", ENDS);
  }

  async function allEnded(limitMs: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const cancel = schedule(resolve, limitMs);
    await Promise.race([Promise.all(running), promise]);
    cancel();
  }

  return {
    ask,
    /** The requests that have not ended. */
    open: (): readonly string[] => [...waiting.keys()],
    /** This process ends: leaves its requests some time, and then ends the rest of them. */
    async close(limitMs: number): Promise<void> {
      await allEnded(limitMs);
      leaving.abort();
      await allEnded(END_MS);
    },
    /** A notice about requests has come. */
    hear(text: string): void {
      if (text.startsWith(ANSWER_NOTICE)) waiting.get(text.slice(ANSWER_NOTICE.length))?.();
    },
  };
}

const ENDS = "this process ends";

function lost(): AskError {
  return new AskError("lost", "the process that owns these data has ended");
}

/** Joins the parts of an answer. */
export async function wholeAnswer(parts: AsyncIterable<string>): Promise<string> {
  let text = "";
  for await (const part of parts) text += part;
  return text;
}
