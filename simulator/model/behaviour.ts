/**
 * Answers one request as the built-in model: correctly, or with a failure that real servers have
 * shown.
 */

import type { ServerResponse } from "node:http";
import type { AskedCalls } from "./tool_calls.ts";
import { answerTo, answerWith } from "./script.ts";
import type { WireFormat } from "./wire.ts";

/** How the server treats a request for an answer. */
export const MODEL_BEHAVIOURS = [
  "script", // answers from `script.ts`
  "slow", // the same, word by word with pauses
  "html", // 200 with a page, as from a captive portal or a wrong address
  "garbage", // an event stream whose events are no JSON
  "empty", // a whole answer without text
  "aside", // some words beside the calls; else the script
  "wordless", // calls the tools that the words name, and then answers without text
  "too_long", // 400 for a request that is too long, whatever its length
  "blank", // a whole answer of white space
  "ends_early", // some words, then a regular end without a finish reason
  "cut", // some words, then the connection breaks
  "error_in_stream", // some words, then an error object
  "overloaded_in_stream", // an error object at once, as Anthropic sends it
  "cut_in_call", // the beginning of a call, then the connection breaks
  "hang", // accepts the request and sends nothing
  "headers_only", // sends the headers of an answer, then nothing
  "stall", // some words, then nothing
  "rate_limited", // 429 with Retry-After
  "quota", // 429 that no wait resolves
  "server_error", // 500
  "overloaded", // 529
  "unauthorized", // 401, with the key in the answer
  "not_found", // 404
  "rejected", // 400
  "redirect", // 302 to another address
  "drop", // breaks the connection without an answer
  "length", // stops for length after some words
  "content_filter", // stops for its filter without a word
  "no_tools", // 400 for a request that has anything to do with tools, as from Ollama
  "tool_call", // calls a tool that the request did not offer
  "huge", // 16 MB without an end
  "huge_token", // one piece of 10 MB, then a regular end
  "invalid_utf8", // bytes that are no UTF-8 within the words
  "bad_arguments", // a call whose arguments are cut off
  "one_call_id", // two calls with one id, until results follow; then the script
] as const;

export type ModelBehaviour = (typeof MODEL_BEHAVIOURS)[number];

/** Everything that a behaviour needs to know about a request. */
export interface Asked {
  readonly behaviour: ModelBehaviour;
  readonly model: string;
  readonly words: string;
  /** Texts of the files that came with the words. */
  readonly files: readonly string[];
  readonly asked: AskedCalls;
  /** Whether the request has tools, or a conversation with calls. */
  readonly hasTools: boolean;
  readonly headers: Readonly<Record<string, string>>;
}

const SLOW_MS = 120;
const GONE_MS = 50;
const HUGE_PIECES = 256;

export interface BehaviourSettings {
  readonly chunkDelayMs: number;
  readonly retryAfterSec: number;
  /** Aborted when the server closes. */
  readonly signal: AbortSignal;
}

/** Answers one request with a behaviour, to the end. */
export async function answerWithBehaviour(
  request: Asked,
  format: WireFormat,
  res: ServerResponse,
  { chunkDelayMs, retryAfterSec, signal }: BehaviourSettings,
): Promise<void> {
  const fail = (status: number, message: string, headers: Record<string, string> = {}) =>
    send(res, status, format.errorBody(message), headers);
  const stream = () => {
    res.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-store" });
    res.write(format.open());
  };
  const say = async (text: string, delayMs = chunkDelayMs): Promise<number> => {
    const pieces = text.match(/\s*\S+\s*/g) ?? [text];
    for (const piece of pieces) {
      if (res.destroyed) return 0;
      if (!res.write(format.text(piece))) await drained(res, signal);
      if (delayMs > 0) await pause(delayMs, signal);
    }
    return pieces.length;
  };
  const finish = (reason: Parameters<WireFormat["finish"]>[0], outputTokens: number) => {
    res.end(format.finish(reason, outputTokens));
  };
  const { calls, results, said } = request.asked;
  const answer = said ??
    (results.length > 0 ? answerWith(results) : answerTo(request.words, request.files));

  switch (request.behaviour) {
    case "no_tools":
      if (request.hasTools) return fail(400, `${request.model} does not support tools`);
      stream();
      return finish("stop", await say(answer));
    case "aside":
    case "script":
      stream();
      if (request.behaviour === "aside" && calls.length > 0) await say("I look that up first.");
      if (calls.length > 0) {
        for (const call of calls) res.write(format.toolCall(call));
        return finish("tool_calls", calls.length);
      }
      return finish("stop", await say(answer));
    case "wordless":
      stream();
      for (const call of calls) res.write(format.toolCall(call));
      return finish(calls.length > 0 ? "tool_calls" : "stop", calls.length);
    case "too_long":
      return fail(400, "This model's maximum context length is 8192 tokens.");
    case "slow":
      stream();
      return finish("stop", await say(answer, SLOW_MS));
    case "html":
      return send(res, 200, "<!doctype html><title>Please log in</title>", {
        "Content-Type": "text/html; charset=utf-8",
      });
    case "garbage":
      stream();
      return void res.end('data: {"choices": [oops\n\ndata: <<<\n\n');
    case "empty":
      stream();
      return finish("stop", 0);
    case "blank":
      stream();
      await say(" \n ");
      return finish("stop", 1);
    case "ends_early":
      stream();
      await say("Well, ");
      return void res.end();
    case "cut":
      stream();
      await say("Well, ");
      await arrival(signal);
      return void res.destroy();
    case "error_in_stream":
      stream();
      await say("Well, ");
      return void res.end(format.error("exploded"));
    case "overloaded_in_stream":
      stream();
      return void res.end(format.error("overloaded"));
    case "cut_in_call":
      stream();
      res.write(format.toolCall({ id: "call_1", name: "tide", arguments: '{"port": "Hu' }));
      await arrival(signal);
      return void res.destroy();
    case "hang":
      return;
    case "headers_only":
      res.writeHead(200, { "Content-Type": "text/event-stream" });
      return res.flushHeaders();
    case "stall":
      stream();
      return void await say("Well, ");
    case "rate_limited":
      return fail(429, "slow down", { "Retry-After": String(retryAfterSec) });
    case "quota":
      return send(
        res,
        429,
        JSON.stringify({
          error: { message: "You exceeded your quota", code: "insufficient_quota" },
        }),
      );
    case "server_error":
      return fail(500, "the server tripped");
    case "overloaded":
      return fail(529, "overloaded");
    case "unauthorized":
      return fail(401, `Incorrect API key provided: ${keyOf(request)}`);
    case "not_found":
      return fail(404, `The model ${request.model} does not exist`);
    case "rejected":
      return fail(400, `max_tokens is too large ${"!".repeat(1_000)}`);
    case "redirect":
      return send(res, 302, "", { Location: "/elsewhere" });
    case "drop":
      return void res.destroy();
    case "length":
      stream();
      await say("Well, ");
      return finish("length", 1);
    case "content_filter":
      stream();
      return finish("content_filter", 0);
    case "tool_call":
      stream();
      res.write(format.toolCall({ id: "call_1", name: "get_tide", arguments: "{}" }));
      return finish("tool_calls", 5);
    case "huge_token":
      stream();
      res.write(format.text("w".repeat(10 * 1024 * 1024)));
      return finish("stop", 1);
    case "invalid_utf8": {
      stream();
      const event = format.text("Well, §§ and on.");
      const bytes = typeof event === "string" ? new TextEncoder().encode(event) : event;
      res.write(bytes.map((byte) => byte === 0xc2 ? 0xff : byte)); // the first byte of each "§"
      return finish("stop", 4);
    }
    case "bad_arguments":
      stream();
      res.write(format.toolCall({ id: "call_1", name: "tide", arguments: '{"port": "Hu' }));
      return finish("tool_calls", 5);
    case "one_call_id": {
      stream();
      if (results.length > 0) return finish("stop", await say(answer));
      for (const port of ["Hull", "Dover"]) {
        const written = JSON.stringify({ port });
        res.write(format.toolCall({ id: "call_1", name: "tide", arguments: written }));
      }
      return finish("tool_calls", 5);
    }
    case "huge":
      stream();
      for (let piece = 0; piece < HUGE_PIECES && !res.destroyed && !signal.aborted; piece++) {
        if (!res.write(format.text("w".repeat(64 * 1024)))) await drained(res, signal);
      }
  }
}

/** A complete answer that is not a stream. */
export function send(
  res: ServerResponse,
  status: number,
  body: string,
  headers: Record<string, string> = {},
): void {
  res.writeHead(status, { "Content-Type": "application/json", ...headers });
  res.end(body);
}

function keyOf({ headers }: Asked): string {
  return headers["x-api-key"] ?? headers["x-goog-api-key"] ??
    headers["authorization"]?.replace(/^Bearer /, "") ?? "none";
}

/**
 * Resolves once the client has read the written data, or has left.
 *
 * Deno does not report that a client has left while written data waits. So this ends by itself
 * after a while.
 */
async function drained(res: ServerResponse, signal: AbortSignal): Promise<void> {
  const waited = new AbortController();
  const done = () => waited.abort();
  res.once("drain", done);
  res.once("close", done);
  await pause(GONE_MS, AbortSignal.any([signal, waited.signal]));
  res.off("drain", done);
  res.off("close", done);
}

/**
 * Waits until the client has most likely read everything before a break. Clients discard bytes that
 * arrive together with the break. One pause is too little: after a stall of the machine it is over
 * before a client in the same process has read. Each of several pauses lets that client read.
 */
async function arrival(signal: AbortSignal): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await pause(10, signal);
}

/** Resolves early if the server closes, because no one waits any more. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, ms);
    function done() {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    }
    signal.addEventListener("abort", done);
  });
}
