/**
 * One HTTP request and its whole answer, within a deadline.
 *
 * The deadline covers the body too, and it does not trust the runtime to honour
 * the abort signal: whoever waits is let go when it is time.
 *
 * @module
 */

import type { Schedule } from "../../lib/schedule.ts";

/** What came back, read to its end. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

export interface ExchangeDeps {
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
  /** Milliseconds from the first byte out to the last byte in. */
  readonly timeoutMs: number;
  readonly schedule: Schedule;
  /** Gives up whatever is under way. */
  readonly signal: AbortSignal;
}

/** Called when an answer's headers were read, and when all of it was. */
export interface AnswerHooks {
  readonly onAnswerStarted?: (() => void) | undefined;
  readonly onAnswered?: (() => void) | undefined;
}

/**
 * Sends a request once.
 *
 * A redirect is an answer like any other: it is not followed, for the token
 * must not be carried to where somebody else points.
 *
 * @throws Whatever `fetch` throws, a `TimeoutError`, or the signal's reason.
 */
export async function exchange(
  url: string,
  init: RequestInit,
  { fetch, timeoutMs, schedule, signal }: ExchangeDeps,
  hooks: AnswerHooks = {},
): Promise<Answer> {
  signal.throwIfAborted();
  const controller = new AbortController();
  const { promise: givenUp, reject } = Promise.withResolvers<never>();
  const giveUp = (reason: unknown) => {
    reject(reason);
    controller.abort(reason);
  };
  const onStop = () => giveUp(signal.reason);
  const cancel = schedule(
    () => giveUp(new DOMException(`nothing within ${timeoutMs} ms`, "TimeoutError")),
    timeoutMs,
  );
  signal.addEventListener("abort", onStop, { once: true });

  async function talk(): Promise<Answer> {
    const response = await fetch(url, { ...init, redirect: "manual", signal: controller.signal });
    hooks.onAnswerStarted?.();
    const text = await response.text();
    hooks.onAnswered?.();
    return { status: response.status, headers: response.headers, text };
  }

  try {
    return await Promise.race([talk(), givenUp]);
  } finally {
    cancel();
    signal.removeEventListener("abort", onStop);
  }
}
