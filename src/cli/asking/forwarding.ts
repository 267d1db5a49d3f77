/**
 * Gives requests of programs to the process that runs partition 0, and brings its answers back (O16).
 *
 * The answer's first line is its status and headers as JSON; behind it, the body comes as it is made.
 */

import { z } from "zod";
import type { CallRefusal } from "../../core/calls/service.ts";
import type { ForwardRequest } from "../../http/api/app.ts";
import { type ApiError, errorBody, errorResponse } from "../../http/api/errors.ts";
import type { Log } from "../../lib/log.ts";
import { RemoteError } from "../../store/replica/remote_error.ts";
import { readAnswer, toRequest } from "../shared/store_calls.ts";
import { AskError, type AskFailure, type AskPartition, wholeAnswer } from "./asker.ts";

/** The partition whose owner answers programs: it has the direct messages. */
export const PROGRAMS_PARTITION = 0;

/** The processes that share the partitions of a bot (O16). */
export interface ApiFleet {
  /** Whether this process runs the partition. */
  readonly isHere: (partition: number) => boolean;
  readonly ask: AskPartition;
  /** Whether this process stops: then it asks nothing for a program any more. */
  readonly isLeaving: () => boolean;
}

/** Milliseconds for a call of `barnacle mcp serve`: each is short but an act, which may take a minute. */
const CALL_MS = 75_000;

const UNREACHABLE = "The process of the bot that answers programs cannot be reached now; try again";

const headSchema = z.object({
  status: z.int(),
  headers: z.array(z.tuple([z.string(), z.string()])),
});

/** Writes a response for another process. */
export async function* partsOf(response: Response): AsyncGenerator<string> {
  yield `${JSON.stringify({ status: response.status, headers: [...response.headers] })}\n`;
  const decoder = new TextDecoder(); // never a part of a character
  for await (const bytes of response.body ?? []) yield decoder.decode(bytes, { stream: true });
  yield decoder.decode();
}

/** The way to the other process; `undefined` while this one answers. */
export function elsewhereOf(fleet: ApiFleet, log: Log): () => ForwardRequest | undefined {
  const forward = createForward(fleet, log);
  return () => fleet.isHere(PROGRAMS_PARTITION) ? undefined : forward;
}

/** The same for calls of `barnacle mcp serve`, which come over the socket of this process. */
export function callElsewhere(
  { isHere, isLeaving, ask }: ApiFleet,
): ((args: unknown) => Promise<unknown>) | undefined {
  if (isHere(PROGRAMS_PARTITION)) return undefined;
  return async (args) => {
    const { text } = toRequest("api.call", z.array(z.unknown()).parse(args));
    const question = JSON.stringify({ do: "command", text });
    try {
      if (isLeaving()) throw stops();
      const signal = AbortSignal.timeout(CALL_MS);
      return readAnswer(await wholeAnswer(ask(PROGRAMS_PARTITION, question, signal)));
    } catch (error) {
      if (!(error instanceof AskError || error instanceof RemoteError)) throw error;
      const refused: CallRefusal = { kind: "unavailable", why: UNREACHABLE };
      return { refused };
    }
  };
}

const UNBEGUN: ReadonlySet<AskFailure> = new Set(["busy", "untaken", "refused"]);

/** Creates the way to the other process. */
function createForward(
  { ask, isLeaving }: Pick<ApiFleet, "ask" | "isLeaving">,
  log: Log,
): ForwardRequest {
  return async (request, signal) => {
    if (isLeaving()) return errorResponse(errorOf(stops(), false));
    const leaving = new AbortController();
    const parts = ask(
      PROGRAMS_PARTITION,
      JSON.stringify({ do: "program", request }),
      AbortSignal.any([signal, leaving.signal]),
    )[Symbol.asyncIterator]();
    const mayRepeat = request.method === "GET" ||
      request.headers["idempotency-key"] !== undefined;
    const failed = (error: unknown): ApiError => {
      log.debug("The process that answers programs did not", { error });
      return errorOf(error, mayRepeat);
    };
    try {
      const { head, rest } = await readHead(parts);
      const isStream = head.headers.some(([name, value]) =>
        name === "content-type" && value.startsWith("text/event-stream")
      );
      const body = bodyOf(rest, parts, leaving, (error) => {
        const said = errorBody(failed(error));
        if (!isStream) throw new Error(UNREACHABLE);
        return `event: error\ndata: ${JSON.stringify({ type: "error", ...said })}\n\n`;
      });
      return new Response(body, head);
    } catch (error) {
      return errorResponse(failed(error));
    }
  };
}

function stops(): AskError {
  return new AskError("busy", "this process stops");
}

async function readHead(parts: AsyncIterator<string>) {
  let text = "";
  while (!text.includes("\n")) {
    const { value, done } = await parts.next();
    if (done) throw new AskError("lost", "the answer has no beginning");
    text += value;
  }
  const end = text.indexOf("\n");
  return { head: headSchema.parse(JSON.parse(text.slice(0, end))), rest: text.slice(end + 1) };
}

/** The body; an answer that breaks off ends with the words of `failed`. */
function bodyOf(
  begun: string,
  parts: AsyncIterator<string>,
  leaving: AbortController,
  failed: (error: unknown) => string,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  return new ReadableStream<Uint8Array>({
    start(controller) {
      if (begun !== "") controller.enqueue(encoder.encode(begun));
    },
    async pull(controller) {
      try {
        const { value, done } = await parts.next();
        if (done) return controller.close();
        controller.enqueue(encoder.encode(value));
      } catch (error) {
        if (leaving.signal.aborted) return;
        controller.enqueue(encoder.encode(failed(error))); // or fails
        controller.close();
      }
    },
    async cancel() {
      leaving.abort();
      await parts.return?.();
    },
  });
}

/** A request that no process has begun, or that changes nothing twice, may be repeated. */
function errorOf(error: unknown, mayRepeat: boolean): ApiError {
  const isUnbegun = error instanceof AskError && UNBEGUN.has(error.kind);
  return {
    status: 503,
    type: "server_error",
    param: null,
    ...(isUnbegun || mayRepeat
      ? {
        code: "unavailable",
        message: UNREACHABLE,
      }
      : {
        code: "lost",
        message: "A process of the bot has ended before the answer, so that is lost. With an " +
          "Idempotency-Key, the same request gets it later",
      }),
  };
}
