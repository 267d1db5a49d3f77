/**
 * AskRows the process that owns a partition, by rows of PostgreSQL (O16). No process needs a way to another
 * one beside the database that they share.
 */

import { randomUUID } from "node:crypto";
import type { StartTimer } from "../../lib/clock.ts";
import type { AskRows } from "../../store/replica/asks.ts";
import { ANSWER_NOTICE } from "../../store/replica/listen.ts";

/** Milliseconds until an owner must have taken a request: a dead one is replaced within 15 s. */
const TAKE_MS = 20_000;
/** Milliseconds between two looks for an answer, if no notice comes. */
const LOOK_MS = 500;
/** Maximum number of requests of a process at once. */
const MOST = 100;

/** Why a request has no answer. */
export type AskFailure =
  /** The process asks too much at once: nothing has begun. */
  | "busy"
  /** No process owns the partition: nothing has begun. */
  | "untaken"
  /** The process that had taken it ended, or lost the partition. */
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

/** AskRows the owner of a partition; the answer comes part by part. */
export type AskPartition = (
  partition: number,
  question: string,
  signal: AbortSignal,
) => AsyncIterable<string>;

/** Creates the requests of one process. */
export function createAsker(
  { rows, schedule, elapsed }: {
    readonly rows: Pick<AskRows, "add" | "read" | "remove">;
    readonly schedule: StartTimer;
    /** Milliseconds of a clock that never goes back. */
    readonly elapsed: () => number;
  },
) {
  const waiting = new Map<string, () => void>();

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
    if (waiting.size >= MOST) throw new AskError("busy", "too many requests to other processes");
    const id = randomUUID();
    const askedAt = elapsed();
    let isHeard = false;
    const hear = () => void (isHeard = true);
    waiting.set(id, hear);
    let last = -1;
    try {
      await rows.add({ id, partition, question });
      for (;;) {
        if (signal.aborted) throw new AskError("aborted", "the request has ended");
        isHeard = false;
        waiting.set(id, hear);
        const state = await rows.read(id, last);
        for (const { number, text, kind } of state?.parts ?? []) {
          if (kind === "failed" || kind === "refused") throw new AskError(kind, text);
          last = number;
          if (text !== "") yield text;
          if (kind === "last") return;
        }
        if (state?.kind === "waiting" && elapsed() - askedAt >= TAKE_MS) {
          if (await rows.remove(id)) throw lost(partition);
          throw new AskError("untaken", `no process runs partition ${partition} now`);
        }
        if (!state || state.kind === "lost") throw lost(partition);
        await next(id, signal, () => isHeard);
      }
    } finally {
      waiting.delete(id);
      await rows.remove(id).catch(() => {}); // the next check removes it
    }
  }

  return {
    ask,
    /** The requests that have not ended. */
    open: (): readonly string[] => [...waiting.keys()],
    /** A notice about requests has come. */
    hear(text: string): void {
      if (text.startsWith(ANSWER_NOTICE)) waiting.get(text.slice(ANSWER_NOTICE.length))?.();
    },
  };
}

function lost(partition: number): AskError {
  return new AskError("lost", `the process that runs partition ${partition} has ended`);
}

/** Joins the parts of an answer. */
export async function wholeAnswer(parts: AsyncIterable<string>): Promise<string> {
  let text = "";
  for await (const part of parts) text += part;
  return text;
}
