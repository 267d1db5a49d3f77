/**
 * Sends one request to a model server and reads the answer's bytes, within time and size limits.
 *
 * Failures are classified here, from the server's own status, headers and bytes. A library above
 * would wrap them in errors that contain the whole prompt. The wire keeps the first failure,
 * because a library may turn it into any other error.
 *
 * Fields of a request's body that a server refuses, or that the config names, are taken out (L3):
 * those of the request, of its messages, and of their parts and calls, but not of a tool's schema
 * or a call's arguments.
 */

import {
  ModelError,
  type ModelErrorKind,
  type ModelPart,
  type ModelRequest,
} from "../core/model.ts";
import { schedule, whileAwake } from "../lib/clock.ts";
import {
  type BodyReader,
  cancelReader,
  fetchPlain,
  readPieces,
} from "../lib/network/fetch_plain.ts";
import { reasonOf } from "../lib/network/server_reason.ts";
import { isRecord } from "../lib/text/quoted.ts";
import { cleanServerMessage, refusalOf } from "./failures.ts";

/** The fields that a body must not have, each with the name to write in its place, if any. */
export type Omitted = ModelRequest["omit"];

/** The same body without these fields. */
export function withoutFields<Body extends string | Uint8Array<ArrayBuffer>>(
  body: Body,
  omit: Omitted,
): Body | string {
  return omit?.size ? JSON.stringify(lean(parsed(body), omit)) : body;
}

/** Fields with an object that tools or their callers have made. */
const FOREIGN = /^(?:parameters|input|input_?schema|args|response|json|arguments)$/i;

function lean(value: unknown, omit: NonNullable<Omitted>): unknown {
  if (Array.isArray(value)) return value.map((one) => lean(one, omit));
  if (!isRecord(value)) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([field, inside]: readonly [string, unknown]) => {
      if (isForeign(field, inside)) return [[field, inside]];
      const name = omit.has(field) ? omit.get(field) : field;
      if (name === undefined || (name !== field && omit.has(name))) return [];
      return [[name, lean(inside, omit)]];
    }),
  );
}

const isForeign = (field: string, inside: unknown) => FOREIGN.test(field) && !Array.isArray(inside);

function parsed(body: string | Uint8Array): unknown {
  return JSON.parse(typeof body === "string" ? body : new TextDecoder().decode(body));
}

/** Maximum bytes of an answer with its wrapping. No answer for Discord comes near. */
const ANSWER_MAX_BYTES = 8 * 1024 * 1024;

/** Maximum bytes of a refusal to read for its reason. */
const REFUSAL_MAX_BYTES = 16 * 1024;

/** Option of Bun's `fetch`, which gives up after five minutes otherwise; others ignore it. */
const NO_TIMEOUT: { readonly timeout: false } = { timeout: false };

const startLimit = whileAwake(schedule);

/** Time limit (milliseconds) for the last bytes of a released connection. */
const RELEASE_MS = 1_000;

/**
 * Creates the wire of one call.
 *
 * @param signal Closes the connection at once when it is aborted.
 */
export function createWire(
  { modelId, secrets, silenceMs: longestMs, onReading }: {
    /** `"<provider>/<model>"`, for errors. */
    readonly modelId: string;
    /** Texts that errors must not repeat. */
    readonly secrets: readonly string[];
    /** Milliseconds of the server's longest silence. */
    readonly silenceMs: number;
    /** Gets `false` with the first byte of the answer, as that of a request does. */
    readonly onReading?: ModelRequest["onReading"];
  },
  signal: AbortSignal,
) {
  const stop = new AbortController();
  let reader: BodyReader | undefined;
  const abort = (reason?: unknown): void => {
    stop.abort(reason);
    if (reader) cancelReader(reader);
  };
  const onAbort = () => abort(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  let failure: ModelError | undefined;
  let silenceMs = longestMs;
  let cancelTimer = () => {};
  let bytes = 0;
  let isReleased = false;
  let isOver = false;

  const fail = (kind: ModelErrorKind, what: string, cause?: unknown): ModelError =>
    failure ??= new ModelError(`${modelId} ${what}`, { kind, modelId, cause });
  const allow = (ms: number): void => {
    cancelTimer();
    cancelTimer = startLimit(() => abort(fail("timeout", `sent nothing for ${ms / 1_000} s`)), ms);
  };
  /**
   * The error of a failed request or read, by its cause: a limit of ours, the caller, or the
   * network.
   */
  const toFailure = (thrown: unknown): unknown => {
    cancelTimer();
    if (failure) return failure;
    if (signal.aborted) return signal.reason;
    return reader
      ? fail("server_error", "broke the connection within its answer", thrown)
      : fail("unavailable", "could not be reached, or broke the connection", thrown);
  };
  const end = (): void => {
    isOver = true;
    cancelTimer();
    signal.removeEventListener("abort", onAbort);
  };
  const close = (): void => {
    if (isOver) return;
    end();
    abort();
  };

  const wire = {
    /** The first failure; `undefined` if there is none, or if the caller gave up. */
    failure: (): ModelError | undefined => failure,
    /**
     * Sends the request.
     *
     * @returns The answer's head, if the server accepted the request; `read` reads its body.
     * @throws {ModelError} Or the signal's reason once it is aborted, as `read` does.
     */
    async send(input: RequestInfo | URL, init: RequestInit): Promise<Response> {
      allow(silenceMs);
      try {
        const response = await fetchPlain(fetch, input, {
          ...init,
          signal: stop.signal,
          redirect: "manual",
          ...NO_TIMEOUT,
        });
        const { status, headers } = response;
        if (!response.ok) {
          const body = await beginningOf(response, REFUSAL_MAX_BYTES, stop.signal);
          throw failure ??= refusalOf(
            { status, headers, body, url: String(input) },
            modelId,
            secrets,
            Date.now(),
          );
        }
        if (/^text\/html\b/i.test(headers.get("content-type") ?? "")) {
          const title = reasonOf(await beginningOf(response, REFUSAL_MAX_BYTES, stop.signal));
          const named = title === undefined ? "" : ` (${cleanServerMessage(title, secrets)})`;
          throw fail(
            "web_page",
            `answered with a web page${named}: check baseUrl, and whether a login page intercepts requests`,
          );
        }
        reader = response.body?.getReader();
        if (!reader) throw fail("not_an_answer", "answered without a body");
        return response;
      } catch (thrown) {
        const reason = toFailure(thrown);
        close();
        throw reason;
      }
    },
    /** Reads the next bytes of the body; `undefined` at its end. */
    async read(): Promise<Uint8Array<ArrayBuffer> | undefined> {
      if (!reader || isOver) return undefined;
      try {
        const { done, value } = await reader.read();
        if (stop.signal.aborted) throw stop.signal.reason;
        if (done) {
          end();
          return undefined;
        }
        if (bytes === 0) onReading?.(false);
        bytes += value.byteLength;
        if (bytes > ANSWER_MAX_BYTES) {
          throw fail("not_an_answer", `sent more than ${ANSWER_MAX_BYTES} bytes`);
        }
        if (!isReleased) allow(silenceMs);
        return value;
      } catch (thrown) {
        throw toFailure(thrown);
      }
    },
    /** Shortens the maximum silence from now on, for a reader that needs no more bytes. */
    shortenTimeout(ms: number): void {
      silenceMs = Math.min(silenceMs, ms);
      allow(silenceMs);
    },
    /**
     * Keeps the connection for the next call, and reads the last bytes of a complete answer
     * meanwhile.
     */
    release(): void {
      if (isOver || isReleased) return;
      isReleased = true;
      allow(RELEASE_MS);
      void readToEnd(wire).finally(close);
    },
    /** Closes the connection, unless the body was read to its end or the wire was released. */
    close(): void {
      if (!isReleased) close();
    },
  };
  return wire;
}

export type Wire = ReturnType<typeof createWire>;

async function readToEnd(wire: Wire): Promise<void> {
  try {
    while (await wire.read() !== undefined);
  } catch {
    // The answer is complete, so only the connection is lost.
  }
}

async function beginningOf(
  { body }: Response,
  maxBytes: number,
  signal: AbortSignal,
): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  await readPieces(body, signal, (piece) => {
    text += decoder.decode(piece, { stream: true });
    bytes += piece.byteLength;
    return bytes < maxBytes;
  });
  return text;
}

/**
 * Asks once and streams the text of the answer; its tool calls come with the last part. Leaves out
 * thinking that the server sends separately. `render/safety/visible.ts` removes other thinking.
 *
 * @throws {ModelError} As the port of `core/model.ts` says, or the signal's reason.
 */
export type Ask = (request: ModelRequest, signal: AbortSignal) => AsyncGenerator<ModelPart, void>;
