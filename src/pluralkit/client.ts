/**
 * Looks messages up at PluralKit, within its rate limit and a time limit.
 *
 * A look-up takes at most five seconds, including its wait in the queue and all retries. If it
 * would have to wait longer, it fails at once: a flood of webhooks must not delay the message of a
 * person who waits.
 *
 * @module
 */

import { createdAtMs, type MessageId } from "../core/discord/ids.ts";
import type { LookUp } from "../core/inbound/pluralkit.ts";
import { type StartTimer, waitFor } from "../lib/clock.ts";
import { type ApiDeps, createAsk } from "./api.ts";

/** Everything that look-ups need from outside. */
export interface ClientDeps extends ApiDeps {
  /** Unix time in milliseconds. */
  readonly now: () => number;
  /** Timer for waits and the time-out. */
  readonly schedule: StartTimer;
}

/** Looks messages up at PluralKit. */
export interface PluralkitClient {
  /** Looks a message up. Never rejects. Simultaneous calls for one message share one look-up. */
  lookUp(id: MessageId): Promise<LookUp>;
  /** Starts no more requests, and ends running look-ups as failed. */
  stop(): void;
}

/** Maximum time (milliseconds) of a look-up (P13). */
export const LOOK_UP_MS = 5_000;
/** Maximum number of requests in {@link WINDOW_MS}, as PluralKit allows. */
export const MAX_REQUESTS = 10;
const WINDOW_MS = 1_000;
/** Delays (milliseconds) before the first retries; later ones use {@link RETRY_MAX_MS}. */
const RETRY_MS = [250, 500];
const RETRY_MAX_MS = 1_000;
/** Maximum number of requests for a message that PluralKit does not know yet. */
const MAX_UNKNOWN = 3;
/**
 * Age (milliseconds) below which PluralKit may not know a message yet, because it stores a message
 * after it has posted it.
 */
const YOUNG_MS = 10_000;
/** Maximum number of answers in memory. */
const MAX_KNOWN = 1_000;

/** Creates a client without running look-ups. */
export function createPluralkitClient(deps: ClientDeps): PluralkitClient {
  const { now, schedule } = deps;
  const ask = createAsk(deps);
  const answers = new Map<MessageId, LookUp>();
  const running = new Map<MessageId, Promise<LookUp>>();
  /** Times of the last {@link MAX_REQUESTS} requests, oldest first. */
  const requestTimes: number[] = [];
  let pausedUntil = 0;
  const stopping = new AbortController();

  /** Unix time in milliseconds at which the next request may leave. */
  function nextRequestAt(): number {
    const oldest = requestTimes.length < MAX_REQUESTS ? undefined : requestTimes[0];
    return Math.max(now(), pausedUntil, oldest === undefined ? 0 : oldest + WINDOW_MS);
  }

  /**
   * Waits until a request may leave.
   *
   * @returns Whether that is before the deadline.
   */
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
    let reason = "too many look-ups at once";
    for (let attempt = 0; await waitForSlot(deadline, signal); attempt++) {
      const answer = await ask(id, signal);
      if (answer.kind === "found" || answer.kind === "failed") return answer;
      if (answer.kind === "none" && (attempt + 1 >= MAX_UNKNOWN || !isYoung(id))) return answer;
      if (answer.kind === "again") reason = answer.reason;
      if (answer.kind === "again" && answer.waitMs !== undefined) {
        pausedUntil = Math.max(pausedUntil, now() + answer.waitMs); // for all requests
      } else {
        await sleep(RETRY_MS[attempt] ?? RETRY_MAX_MS, signal);
      }
    }
    return { kind: "failed", reason };
  }

  function isYoung(id: MessageId): boolean {
    return now() - createdAtMs(id) < YOUNG_MS;
  }

  async function sleep(ms: number, signal: AbortSignal): Promise<void> {
    if (ms > 0 && !signal.aborted) await waitFor(ms, schedule, signal);
  }

  /** Runs a look-up with one time-out for all of its requests. */
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
