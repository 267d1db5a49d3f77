/**
 * Serves the built-in model on loopback, in the formats of OpenAI, Anthropic and Google.
 *
 * The bot reaches it like any model, so the demo and the tests use all of `providers/`. On request,
 * it fails like real servers.
 */

import { Buffer } from "node:buffer";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import {
  answerWithBehaviour,
  type Asked,
  MODEL_BEHAVIOURS,
  type ModelBehaviour,
  send,
} from "./behaviour.ts";
import { callsFor } from "./tool_calls.ts";
import { answerPull } from "./pull.ts";
import { filesOf, wordsOf } from "./script.ts";
import { googleFormat, googleModelIn, parseGoogleRequest } from "./google.ts";
import { answerSpeech } from "./speech.ts";
import { parseResponsesRequest, responsesFormat } from "./responses.ts";
import { type CacheKind, createPromptCache, type PromptCache } from "./prompt_cache.ts";
import {
  anthropicFormat,
  jsonOf,
  openAiFormat,
  parseWireRequest,
  type WireRequest,
} from "./wire.ts";

export type { ModelBehaviour } from "./behaviour.ts";

export interface RecordedRequest extends WireRequest, Asked {
  readonly path: string;
  /** JSON as it came. */
  readonly body: string;
  /** The connection's final state; `undefined` while it is open. */
  readonly end: "answered" | "broken" | undefined;
}

export interface ModelServerSettings {
  /** Port; 0, the default, takes any free port. */
  readonly port?: number;
  readonly behaviour?: ModelBehaviour;
  /** Milliseconds between two pieces of a scripted answer. */
  readonly chunkDelayMs?: number;
  /** Seconds in a 429's `Retry-After`. */
  readonly retryAfterSec?: number;
}

export interface ModelServer {
  readonly port: number;
  /** `"http://127.0.0.1:40123/v1"`. */
  readonly baseUrl: string;
  /** Model ids that `/v1/models` lists. */
  readonly models: readonly string[];
  /** The newest {@link REQUESTS_MAX}, oldest first. */
  readonly requests: readonly RecordedRequest[];
  /** Models that a client has had it download, as Ollama does; from then on it has each model. */
  readonly pulled: readonly string[];
  /**
   * Changes the treatment of later requests.
   *
   * @param times Number of requests; after them the script again. Absent: for good.
   * @param only The requests that it is for, by their instructions. Absent: all.
   */
  behave(behaviour: ModelBehaviour, times?: number, only?: (system: string) => boolean): void;
  /** From now on, answers report the tokens of their requests, and those that a cache would have. */
  countCache(): void;
  /** Resolves once a recorded request has ended. */
  ended(request: RecordedRequest): Promise<void>;
  /** Ends open connections. */
  close(): Promise<void>;
}

/** Number of recorded requests. */
const REQUESTS_MAX = 200;

const FORMATS = {
  openai: openAiFormat,
  anthropic: anthropicFormat,
  google: googleFormat,
  responses: responsesFormat,
};

const RESPONSES = "/v1/responses";

const BODY_MAX_BYTES = 32 * 1024 * 1024;
const MODELS = ["barnacle-script"];

/** Behaviours that apply to the list of models, too. With `not_found`, it has another model. */
const LISTS_AS_IT_ANSWERS: ReadonlySet<ModelBehaviour> = new Set<ModelBehaviour>([
  "html",
  "hang",
  "rate_limited",
  "server_error",
  "unauthorized",
  "redirect",
  "drop",
]);

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Starts the server on 127.0.0.1. */
export async function startModelServer(settings: ModelServerSettings = {}): Promise<ModelServer> {
  const requests: RecordedRequest[] = [];
  const endings = new WeakMap<RecordedRequest, Promise<void>>();
  const sockets = new Set<Socket>();
  const stop = new AbortController();
  const pulled: string[] = [];
  let behaviour = settings.behaviour ?? "script";
  let left = Infinity;
  let isMeant = (_system: string): boolean => true;
  let caches: Readonly<Record<CacheKind, PromptCache>> | undefined;

  const behaviourFor = (words: string, system: string): ModelBehaviour => {
    const asked = /\bsimulate:\s*([a-z_]+)/i.exec(words)?.[1]?.toLowerCase();
    const simulated = MODEL_BEHAVIOURS.find((name) => name === asked);
    if (simulated) return simulated;
    if (!isMeant(system)) return "script";
    const now = left > 0 ? behaviour : "script";
    left--;
    return now;
  };

  const record = (incoming: IncomingMessage, res: ServerResponse, body: string) => {
    const path = pathOf(incoming);
    const google = googleModelIn(path);
    const request = google !== undefined
      ? parseGoogleRequest(jsonOf(body), google)
      : path === RESPONSES
      ? parseResponsesRequest(jsonOf(body))
      : parseWireRequest(body);
    if (!request) return undefined;
    const prompt = request.messages.findLast(({ role }) => role === "user")?.text ?? "";
    const words = wordsOf(prompt);
    const kept: Mutable<RecordedRequest> = {
      ...request,
      path,
      headers: headersOf(incoming),
      body,
      words,
      files: filesOf(prompt),
      asked: callsFor(request, words),
      behaviour: behaviourFor(words, request.system),
      end: undefined,
    };
    endings.set(
      kept,
      new Promise((resolve) => {
        res.once("close", () => {
          kept.end = res.writableFinished ? "answered" : "broken";
          resolve();
        });
      }),
    );
    requests.push(kept);
    if (requests.length > REQUESTS_MAX) requests.shift();
    return kept;
  };

  const respond = async (incoming: IncomingMessage, res: ServerResponse): Promise<void> => {
    const path = pathOf(incoming);
    if (path === "/v1/models" && LISTS_AS_IT_ANSWERS.has(behaviour) && isMeant("")) {
      const list: Asked = {
        behaviour,
        model: MODELS[0] ?? "",
        words: "",
        files: [],
        asked: { calls: [], results: [] },
        hasTools: false,
        headers: headersOf(incoming),
      };
      return await answerWithBehaviour(list, openAiFormat(list.model), res, {
        chunkDelayMs: 0,
        retryAfterSec: settings.retryAfterSec ?? 1,
        signal: stop.signal,
      });
    }
    if (path === "/v1/models") {
      return send(
        res,
        200,
        JSON.stringify({
          object: "list",
          data: (behaviour === "not_found" ? ["another-script"] : MODELS)
            .map((id) => ({ id, object: "model" })),
        }),
      );
    }
    if (path === "/api/pull") {
      return await answerPull(jsonOf(await bodyOf(incoming) ?? ""), res, (model) => {
        pulled.push(model);
        behaviour = "script";
      });
    }
    if (await answerSpeech(path, incoming, res)) return;
    const kind = path === "/v1/chat/completions"
      ? "openai"
      : path === "/v1/messages"
      ? "anthropic"
      : path === RESPONSES
      ? "responses"
      : googleModelIn(path) !== undefined
      ? "google"
      : undefined;
    if (!kind) return send(res, 404, JSON.stringify({ error: { message: "no such path" } }));
    const body = await bodyOf(incoming);
    const cache = kind === "responses" ? undefined : caches?.[kind];
    const format = FORMATS[kind](MODELS[0] ?? "", body ? cache?.count(body) : undefined);
    const request = body === undefined ? undefined : record(incoming, res, body);
    if (!request) return send(res, 400, format.errorBody("not a streaming chat request"));
    await answerWithBehaviour(request, format, res, {
      chunkDelayMs: settings.chunkDelayMs ?? 0,
      retryAfterSec: settings.retryAfterSec ?? 1,
      signal: stop.signal,
    });
  };

  const server = createServer((incoming, res) => {
    // A connection that breaks while we write is the client's decision, or our own.
    res.on("error", () => res.destroy());
    respond(incoming, res).catch(() => res.destroy());
  });
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(settings.port ?? 0, "127.0.0.1", resolve);
  });
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;

  return {
    port,
    baseUrl: `http://127.0.0.1:${port}/v1`,
    models: MODELS,
    requests,
    pulled,
    behave(next, times = Infinity, only = () => true) {
      behaviour = next;
      left = times;
      isMeant = only;
    },
    countCache() {
      caches = {
        openai: createPromptCache("openai"),
        anthropic: createPromptCache("anthropic"),
        google: createPromptCache("google"),
      };
    },
    ended: (request) => endings.get(request) ?? Promise.resolve(),
    async close() {
      stop.abort();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

async function bodyOf(incoming: IncomingMessage): Promise<string | undefined> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of incoming) {
    bytes += chunk.length;
    if (bytes > BODY_MAX_BYTES) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function pathOf({ url }: IncomingMessage): string {
  return new URL(url ?? "/", "http://localhost").pathname;
}

function headersOf({ headers }: IncomingMessage): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, String(value ?? "")]),
  );
}
