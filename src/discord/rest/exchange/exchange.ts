/**
 * One HTTP request and its whole answer, within a deadline.
 *
 * The deadline covers the body too, and it does not trust the runtime to honour
 * the abort signal: whoever waits is let go when it is time.
 *
 * @module
 */

import type { Schedule } from "../../../lib/schedule.ts";

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
  /** Each gives up what is under way. */
  readonly signals: readonly AbortSignal[];
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
 * @throws Whatever `fetch` throws, a `TimeoutError`, a `RangeError` for an answer without end, or a
 * signal's reason.
 */
export async function exchange(
  url: string,
  init: RequestInit,
  { fetch, timeoutMs, schedule, signals }: ExchangeDeps,
  hooks: AnswerHooks = {},
): Promise<Answer> {
  for (const signal of signals) signal.throwIfAborted();
  const controller = new AbortController();
  const { promise: givenUp, reject } = Promise.withResolvers<never>();
  const giveUp = (reason: unknown) => {
    reject(reason);
    controller.abort(reason);
  };
  const onStop = () => giveUp(signals.find(({ aborted }) => aborted)?.reason);
  const cancel = schedule(
    () => giveUp(new DOMException(`nothing within ${timeoutMs} ms`, "TimeoutError")),
    timeoutMs,
  );
  for (const signal of signals) signal.addEventListener("abort", onStop, { once: true });

  async function talk(): Promise<Answer> {
    const response = await fetch(url, { ...init, redirect: "manual", signal: controller.signal });
    hooks.onAnswerStarted?.();
    const length = Number(response.headers.get("content-length") ?? NaN);
    const text = length <= MAX_ANSWER_BYTES ? await response.text() : await textOf(response);
    hooks.onAnswered?.();
    return { status: response.status, headers: response.headers, text };
  }

  try {
    return await Promise.race([talk(), givenUp]);
  } finally {
    cancel();
    for (const signal of signals) signal.removeEventListener("abort", onStop);
  }
}

/**
 * Bytes of an answer, at most: of what Discord sends, the channels of its largest guilds are some
 * megabytes. What is in its place may send for ever.
 */
const MAX_ANSWER_BYTES = 16 * 1024 * 1024;

async function textOf({ body }: Response): Promise<string> {
  if (!body) return "";
  const decoder = new TextDecoder();
  let text = "";
  let size = 0;
  for await (const bytes of body) {
    size += bytes.length;
    if (size > MAX_ANSWER_BYTES) {
      throw new RangeError(`an answer of more than ${MAX_ANSWER_BYTES / 1024 / 1024} MiB`);
    }
    text += decoder.decode(bytes, { stream: true });
  }
  return text + decoder.decode();
}
