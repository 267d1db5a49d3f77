/**
 * Answers programs: the routes of OpenAI's API, and MCP over HTTP (O14).
 *
 * The order is that of SEC-R31 and SEC-R35: host and origin, route, token, size, body, and only then
 * its content. There are no CORS headers, so no page of another site can read an answer.
 */

import type { CallingProgram, CallService } from "../../../core/programs/service.ts";
import type { AccountId } from "../../../core/discord/ids.ts";
import type { StartTimer } from "../../../lib/clock.ts";
import type { Log } from "../../../lib/log.ts";
import { bearerOf, isSame, refusalOf } from "../../../http/guard.ts";
import { type ApiError, ApiFailure, errorResponse, invalid, toApiError } from "./errors.ts";
import type { McpHandler } from "./mcp.ts";
import type { ProgramRequest } from "./openai.ts";
import { API_ROUTES, MAX_API_BODY_BYTES } from "./routes.ts";

export interface ApiProgram extends CallingProgram {
  readonly token: string;
  readonly accountId: AccountId;
}

/** Bytes of all bodies that are read at once. */
const MAX_BODIES_BYTES = 8 * MAX_API_BODY_BYTES;
/** Milliseconds between two log lines about refused tokens. */
const REFUSED_LOG_MS = 60_000;
/** Longest Idempotency-Key. */
const MAX_KEY = 255;

type ApiRoute = typeof API_ROUTES[number];

/**
 * Creates the handler of all requests. The function is long because its inner functions share the counts
 * of bodies and of refused tokens.
 */
export function createApi(
  { programs, hosts, waitMs, service, mcp, schedule, now, log }: {
    /** The programs, as the config is now. */
    readonly programs: () => readonly ApiProgram[];
    /** `api.hosts`. */
    readonly hosts: () => readonly string[];
    /** Milliseconds that a request waits for its answer. */
    readonly waitMs: () => number;
    /** The calls of an account; `undefined` if it does not run. */
    readonly service: (accountId: AccountId) => Promise<CallService> | undefined;
    readonly mcp: () => Promise<McpHandler>;
    readonly schedule: StartTimer;
    readonly now: () => number;
    readonly log: Log;
  },
): {
  fetch(request: Request): Promise<Response>;
} {
  let reading = 0;
  let refused = 0;
  let loggedAt = -Infinity;

  /** Every token is compared, so the time tells nothing about their order. */
  function programOf(request: Request): ApiProgram | undefined {
    const given = bearerOf(request);
    if (given === undefined) return undefined;
    return programs().filter(({ token }) => isSame(given, token)).at(0);
  }

  function noteRefused(): void {
    refused++;
    if (now() - loggedAt < REFUSED_LOG_MS) return;
    log.warn("Requests to the API had no valid token", { requests: refused });
    loggedAt = now();
    refused = 0;
  }

  function failureOf(thrown: unknown): ApiError {
    const error = toApiError(thrown);
    if (!error) log.error("A request of a program failed", { error: thrown });
    return error ?? INTERNAL;
  }

  async function readBody(request: Request, { maxBodyBytes }: ApiRoute): Promise<unknown> {
    if (maxBodyBytes === 0) return undefined;
    const type = request.headers.get("content-type")?.split(";")[0]?.trim().toLowerCase();
    if (type !== "application/json") {
      throw new ApiFailure({
        ...invalid("Content-Type must be application/json").error,
        status: 415,
      });
    }
    const length = Number(request.headers.get("content-length") ?? NaN);
    if (!Number.isSafeInteger(length)) {
      throw new ApiFailure({ ...BASE, status: 411, message: "The body must announce its length" });
    }
    if (length > maxBodyBytes) {
      const message = `The body has ${length} bytes; ${maxBodyBytes} are possible`;
      throw new ApiFailure({ ...BASE, status: 413, message });
    }
    if (reading + length > MAX_BODIES_BYTES) throw new ApiFailure(BUSY);
    reading += length;
    try {
      // Anyone with a token can break a request off, so that is no error of the bot.
      const text = await request.text().catch(() => undefined);
      if (text === undefined) throw invalid("The body ended early");
      return JSON.parse(text);
    } catch (error) {
      if (error instanceof SyntaxError) throw invalid("The body is not JSON");
      throw error;
    } finally {
      reading -= length;
    }
  }

  async function answer(request: Request): Promise<Response> {
    const refusal = refusalOf(request, hosts());
    if (refusal !== undefined) {
      throw new ApiFailure({
        ...FORBIDDEN,
        message: refusal.replace("that of http.publicUrl", "in api.hosts"),
      });
    }
    const { pathname } = new URL(request.url);
    const all = API_ROUTES.filter(({ path }) => matches(path, pathname));
    const route = all.find(({ method }) => method === request.method);
    if (all.length === 0) {
      throw new ApiFailure({ ...NOT_FOUND, message: `Nothing is at this path` });
    }
    if (!route) {
      const allowed = all.map(({ method }) => method).join(", ");
      throw new ApiFailure({ ...NOT_ALLOWED, message: `This path takes ${allowed}` });
    }
    const program = programOf(request);
    if (!program) {
      noteRefused();
      throw new ApiFailure(UNAUTHORIZED);
    }
    await serviceOf(program); // before the body
    const body = await readBody(request, route);
    return await answerProgram(request, { route, pathname, program, body });
  }

  async function serviceOf({ accountId }: ApiProgram): Promise<CallService> {
    const found = await service(accountId);
    if (!found) throw new ApiFailure({ ...BUSY, message: "The bot's account does not run" });
    return found;
  }

  async function answerProgram(
    request: Request,
    { route, pathname, program, body }: {
      readonly route: ApiRoute;
      readonly pathname: string;
      readonly program: ApiProgram;
      readonly body: unknown;
    },
  ): Promise<Response> {
    const found = await serviceOf(program);
    const { token: _, accountId: __, ...caller } = program;
    if (route.path === "/mcp") {
      return await (await mcp())(request, body, { caller, service: found });
    }
    const openai = await import("./openai.ts");
    const given: ProgramRequest = {
      caller,
      service: found,
      key: keyOf(request),
      signal: AbortSignal.any([request.signal, AbortSignal.timeout(waitMs())]),
      schedule,
      failureOf,
    };
    switch (route.path) {
      case "/v1/models":
        return openai.listModels(given);
      case "/v1/models/:id":
        return openai.readModel(partsOf(pathname).at(-1) ?? "", given);
      case "/v1/chat/completions":
        return await openai.chatCompletion(body, given);
      case "/v1/responses":
        return await openai.createResponse(body, given);
      case "/v1/responses/:id":
        return await openai.readResponse(partsOf(pathname).at(-1) ?? "", given);
    }
  }

  /** Never rejects. */
  async function safely(work: () => Promise<Response>): Promise<Response> {
    let response: Response;
    try {
      response = await work();
    } catch (thrown) {
      response = errorResponse(failureOf(thrown));
    }
    response.headers.set("Cache-Control", "no-store");
    response.headers.set("X-Content-Type-Options", "nosniff");
    return response;
  }

  return {
    fetch: (request) => safely(() => answer(request)),
  };
}

/** A slash at the end changes nothing: some clients write one. */
function matches(path: string, written: string): boolean {
  const parts = path.split("/");
  const given = partsOf(written);
  return parts.length === given.length &&
    parts.every((part, index) => part === given[index] || part.startsWith(":") && given[index]);
}

function partsOf(pathname: string): readonly string[] {
  return pathname.replace(/(?<=.)\/$/, "").split("/");
}

function keyOf({ headers }: Request): string | undefined {
  const key = headers.get("idempotency-key") ?? undefined;
  if (key === undefined || key.length <= MAX_KEY && /^[\x21-\x7e]+$/.test(key)) return key;
  throw invalid(`Idempotency-Key: at most ${MAX_KEY} visible characters are possible`);
}

const BASE = { type: "invalid_request_error", code: null, param: null } as const;
const FORBIDDEN = { ...BASE, status: 403 };
const NOT_FOUND = { ...BASE, status: 404 };
const NOT_ALLOWED = { ...BASE, status: 405 };
const UNAUTHORIZED: ApiError = {
  ...BASE,
  status: 401,
  code: "invalid_api_key",
  message: "The bearer token belongs to no program of api.programs",
};
const BUSY: ApiError = {
  ...BASE,
  status: 503,
  type: "server_error",
  code: "unavailable",
  message: "Too many requests are being read; try again",
};
const INTERNAL: ApiError = {
  ...BASE,
  status: 500,
  type: "server_error",
  message: "Internal error; see the log",
};
