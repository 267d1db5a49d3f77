/**
 * The wire under one model call: `fetch`, watched.
 *
 * Every failure is named here, where status, headers and bytes are still what
 * the server sent; a library above would wrap them in errors that hold the whole
 * prompt. The first failure is kept, since what comes of it above may read as
 * anything.
 *
 * @module
 */

import { ModelError, type ModelErrorKind } from "../core/model.ts";
import { refusalOf } from "./failures.ts";

export interface WireTimeouts {
  /** Milliseconds from the request to the first byte of the answer's body. */
  readonly firstByteMs: number;
  /** Milliseconds between two reads of it. */
  readonly betweenBytesMs: number;
}

export interface WireSettings {
  readonly modelId: string;
  readonly secrets: readonly string[];
  readonly timeouts: WireTimeouts;
  readonly fetch: typeof globalThis.fetch;
  /** Unix time in milliseconds. */
  readonly now: () => number;
}

export interface Wire {
  readonly fetch: typeof globalThis.fetch;
  /** What went wrong first; absent if nothing has, or if the caller gave up. */
  readonly failure: () => ModelError | undefined;
}

/** Bytes of one answer with its wrapping; no answer for Discord comes near. */
const ANSWER_MAX_BYTES = 8 * 1024 * 1024;

/** Bytes of a refusal that are read for its reason. */
const REFUSAL_MAX_BYTES = 16 * 1024;

/** Makes the wire for one call. */
export function openWire({ modelId, secrets, timeouts, fetch, now }: WireSettings): Wire {
  let failure: ModelError | undefined;
  const fail = (kind: ModelErrorKind, what: string, cause?: unknown): ModelError =>
    failure ??= new ModelError(`${modelId} ${what}`, { kind, modelId, cause });

  const watched = async (input: RequestInfo | URL, init?: RequestInit): Promise<Response> => {
    const stop = new AbortController();
    const caller = init?.signal ?? undefined;
    const signal = caller ? AbortSignal.any([caller, stop.signal]) : stop.signal;
    const watchdog = startWatchdog((ms) => {
      stop.abort(fail("timeout", `sent nothing for ${ms / 1_000} s`));
    });
    /** What a read that failed is to its reader: our own doing, the caller's, or the network's. */
    const named = (thrown: unknown): unknown => {
      watchdog.stop();
      if (failure) return failure;
      if (caller?.aborted) return caller.reason;
      return fail("unavailable", "could not be reached, or broke the connection", thrown);
    };

    watchdog.allow(timeouts.firstByteMs);
    let response: Response;
    try {
      response = await fetch(input, { ...init, signal, redirect: "manual" });
      if (!response.ok) {
        const body = await beginningOf(response, REFUSAL_MAX_BYTES);
        watchdog.stop();
        const { status, headers } = response;
        failure ??= refusalOf({ status, headers, body }, modelId, secrets, now());
      } else if (/^text\/html\b/i.test(response.headers.get("content-type") ?? "")) {
        fail("not_an_answer", "answered with a web page: is baseUrl right, or a login in between?");
      }
    } catch (thrown) {
      throw named(thrown);
    }
    if (failure) {
      watchdog.stop();
      stop.abort(failure);
      throw failure;
    }

    const reader = response.body?.getReader();
    if (!reader) throw named(fail("not_an_answer", "answered without a body"));
    let bytes = 0;
    const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
      async pull(controller) {
        try {
          const { done, value } = await reader.read();
          if (failure) throw failure;
          if (done) {
            watchdog.stop();
            return controller.close();
          }
          bytes += value.byteLength;
          if (bytes > ANSWER_MAX_BYTES) {
            stop.abort(fail("not_an_answer", `sent more than ${ANSWER_MAX_BYTES} bytes`));
            throw failure;
          }
          watchdog.allow(timeouts.betweenBytesMs);
          controller.enqueue(value);
        } catch (thrown) {
          controller.error(named(thrown));
        }
      },
      async cancel(reason) {
        watchdog.stop();
        await reader.cancel(reason);
      },
    });
    const { status, headers } = response;
    return new Response(body, { status, headers });
  };

  return { fetch: watched, failure: () => failure };
}

interface Watchdog {
  /** Starts anew, with so much time. */
  allow(ms: number): void;
  stop(): void;
}

function startWatchdog(bark: (ms: number) => void): Watchdog {
  let timer: ReturnType<typeof setTimeout> | undefined;
  return {
    allow(ms) {
      clearTimeout(timer);
      timer = setTimeout(() => bark(ms), ms);
    },
    stop: () => clearTimeout(timer),
  };
}

async function beginningOf({ body }: Response, maxBytes: number): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  for await (const chunk of body ?? []) {
    text += decoder.decode(chunk, { stream: true });
    bytes += chunk.byteLength;
    if (bytes >= maxBytes) break;
  }
  return text;
}
