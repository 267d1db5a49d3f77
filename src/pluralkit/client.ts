/**
 * Asks PluralKit about messages, within its limits and within a person's patience.
 *
 * A look-up takes five seconds in all, with its turn in the queue and whatever
 * is tried again. What would have to wait longer is not asked at all: a flood
 * of webhooks must not hold up the one that a person waits for.
 *
 * @module
 */

import { createdAtMs, type MessageId } from "../core/discord/ids.ts";
import type { LookUp } from "../core/inbound/pluralkit.ts";
import type { Schedule } from "../lib/schedule.ts";
import { type ApiDeps, createAsk } from "./api.ts";

export interface ClientDeps extends ApiDeps {
  /** Unix time in milliseconds. */
  readonly now: () => number;
  readonly schedule: Schedule;
}

export interface PluralkitClient {
  /** Never rejects; of one message there is one look-up at a time. */
  lookUp(id: MessageId): Promise<LookUp>;
  /** Asks nothing more, and ends what is under way as failed. */
  stop(): void;
}

/** A look-up, in milliseconds (P13). */
export const LOOK_UP_MS = 5_000;
/** Requests for messages that PluralKit takes in {@link WINDOW_MS}. */
export const MAX_REQUESTS = 10;
const WINDOW_MS = 1_000;
/** How long until it is tried again, in milliseconds. */
const RETRY_MS = [250, 500];
const RETRY_MAX_MS = 1_000;
/** How often a message is asked for that PluralKit does not know yet. */
const MAX_UNKNOWN = 3;
/** PluralKit writes a message down after it has posted it: so young a one may not be there yet. */
const YOUNG_MS = 10_000;
/** Answers that are remembered. */
const MAX_KNOWN = 1_000;

export function createPluralkitClient(deps: ClientDeps): PluralkitClient {
  const { now, schedule } = deps;
  const ask = createAsk(deps);
  const answers = new Map<MessageId, LookUp>();
  const running = new Map<MessageId, Promise<LookUp>>();
  /** When the last {@link MAX_REQUESTS} requests leave, oldest first. */
  const requestTimes: number[] = [];
  let pausedUntil = 0;
  const stopping = new AbortController();

  /** Unix time in milliseconds at which the next request may leave. */
  function nextRequestAt(): number {
    const oldest = requestTimes.length < MAX_REQUESTS ? undefined : requestTimes[0];
    return Math.max(now(), pausedUntil, oldest === undefined ? 0 : oldest + WINDOW_MS);
  }

  /** @returns Whether that was before the time was over. */
  async function waitForSlot(deadline: number, signal: AbortSignal): Promise<boolean> {
    const at = nextRequestAt();
    if (at >= deadline || signal.aborted) return false;
    requestTimes.push(at);
    if (requestTimes.length > MAX_REQUESTS) requestTimes.shift();
    await sleep(at - now(), signal);
    return !signal.aborted;
  }

  async function run(id: MessageId, signal: AbortSignal): Promise<LookUp> {
    const deadline = now() + LOOK_UP_MS;
    let reason = "too much is asked of PluralKit at once";
    for (let attempt = 0; await waitForSlot(deadline, signal); attempt++) {
      const answer = await ask(id, signal);
      if (answer.kind === "found" || answer.kind === "failed") return answer;
      if (answer.kind === "none" && (attempt + 1 >= MAX_UNKNOWN || !isYoung(id))) return answer;
      if (answer.kind === "again") reason = answer.reason;
      if (answer.kind === "again" && answer.waitMs !== undefined) {
        pausedUntil = Math.max(pausedUntil, now() + answer.waitMs); // for all that is asked
      } else {
        await sleep(RETRY_MS[attempt] ?? RETRY_MAX_MS, signal);
      }
    }
    return { kind: "failed", reason };
  }

  function isYoung(id: MessageId): boolean {
    return now() - createdAtMs(id) < YOUNG_MS;
  }

  function sleep(ms: number, signal: AbortSignal): Promise<void> {
    if (ms <= 0 || signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const end = () => {
        cancel();
        signal.removeEventListener("abort", end);
        resolve();
      };
      const cancel = schedule(end, ms);
      signal.addEventListener("abort", end, { once: true });
    });
  }

  /** The one time-out of a look-up, over all of its requests. */
  async function lookUp(id: MessageId): Promise<LookUp> {
    const ending = new AbortController();
    const end = () => ending.abort();
    const cancel = schedule(end, LOOK_UP_MS);
    stopping.signal.addEventListener("abort", end, { once: true });
    if (stopping.signal.aborted) end();
    try {
      const result = await run(id, ending.signal);
      if (result.kind !== "failed") remember(answers, id, result);
      return result;
    } finally {
      cancel();
      stopping.signal.removeEventListener("abort", end);
      running.delete(id);
    }
  }

  return {
    lookUp(id) {
      const cached = answers.get(id);
      if (cached) return Promise.resolve(cached);
      let pending = running.get(id);
      if (!pending) running.set(id, pending = lookUp(id));
      return pending;
    },
    stop: () => stopping.abort(),
  };
}

function remember<Key, Value>(cache: Map<Key, Value>, key: Key, value: Value): void {
  cache.set(key, value);
  const oldest = cache.keys().next();
  if (cache.size > MAX_KNOWN && !oldest.done) cache.delete(oldest.value);
}
