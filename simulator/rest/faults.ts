/** Carries out a fault on an HTTP connection. */

import type { ServerResponse } from "node:http";
import { Buffer } from "node:buffer";
import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import type { RestFault } from "../notes/faults.ts";
import { answerHtml, answerRateLimited } from "./answers.ts";

/** The response in place of Discord's; `undefined` for another kind of fault. */
export function answerInstead(fault: RestFault): Response | undefined {
  switch (fault.kind) {
    case "status":
      return Response.json({
        message: `${fault.status}: Simulated`,
        code: fault.code ?? 0,
        errors: fault.errors,
      }, { status: fault.status });
    case "html":
      return answerHtml(fault.status);
    case "cloudflare":
      return answerHtml(429, { "Retry-After": String(fault.retryAfterSec) });
    case "rate_limit": {
      const isGlobal = fault.scope === "global";
      return answerRateLimited(fault.retryAfterSec, isGlobal, {
        "Retry-After": String(Math.ceil(fault.retryAfterSec)),
        "X-RateLimit-Scope": fault.scope,
        ...(isGlobal && { "X-RateLimit-Global": "true" }),
      });
    }
    default:
      return undefined;
  }
}

/** Whether the request is lost before Discord carries it out. */
export function isLostBefore(fault: RestFault | undefined): boolean {
  return fault?.kind === "hang" || fault?.kind === "reset";
}

/** Whether the client never gets a status. */
export function isUnanswered(fault: RestFault | undefined): boolean {
  return isLostBefore(fault) || fault?.kind === "swallow" || fault?.kind === "reset_after";
}

/**
 * Sends a response with a fault in the sending.
 *
 * @param timers Gets the timers that must end with the server.
 */
export async function sendWithFault(
  fault: RestFault,
  response: Response,
  outgoing: ServerResponse,
  timers: Set<ReturnType<typeof setTimeout>>,
): Promise<Response> {
  switch (fault.kind) {
    case "hang":
    case "swallow":
      return RESPONSE_ALREADY_SENT; // nothing was sent, and nothing will be
    case "reset":
    case "reset_after":
      outgoing.socket?.resetAndDestroy();
      return RESPONSE_ALREADY_SENT;
    case "delay":
      await wait(fault.ms, timers);
      return response;
    case "cut_body": {
      const body = Buffer.from(await response.arrayBuffer());
      outgoing.writeHead(response.status, {
        ...Object.fromEntries(response.headers),
        "content-length": body.length,
      });
      outgoing.write(body.subarray(0, Math.ceil(body.length / 2)), () => outgoing.destroy());
      return RESPONSE_ALREADY_SENT;
    }
    case "reform": {
      const { status, headers } = response;
      return status === 204
        ? response
        : new Response(fault.change(await response.text()), { status, headers });
    }
    case "garbage":
      return new Response('{"id": "12', { status: 200, headers: response.headers });
    default:
      return response;
  }
}

function wait(ms: number, timers: Set<ReturnType<typeof setTimeout>>): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => {
      timers.delete(timer);
      resolve();
    }, ms);
    timers.add(timer);
  });
}
