/** Answers to requests to Discord, for tests at the seam of REST. */

import type { Method } from "../../../src/discord/rest/client/client.ts";
import { RestError } from "../../../src/discord/rest/exchange/exchange.ts";

export interface DiscordRequest {
  readonly method: Method;
  readonly path: string;
  readonly body: Readonly<Record<string, unknown>>;
}

/** Answers a request; an `Error` is thrown, and `undefined` is the answer by default. */
export type Answer = (request: DiscordRequest) => unknown;

const KINDS = { 400: "rejected", 403: "forbidden", 404: "not_found" } as const;

/** Discord says that a thing does not exist, that the bot may not do it, or that it takes no such request. */
export function refused(status: keyof typeof KINDS, code: number): RestError {
  const kind = KINDS[status];
  return new RestError("Discord refused it", { kind, route: "GET /", status, code });
}
