/** Answers to requests to Discord, for tests at the seam of REST. */

import type { Method } from "../../../src/discord/rest/client/client.ts";
import { RestError } from "../../../src/discord/rest/exchange/rest_error.ts";

export interface DiscordRequest {
  readonly method: Method;
  readonly path: string;
  readonly body: Readonly<Record<string, unknown>>;
}

/** Answers a request; an `Error` is thrown, and `undefined` is the answer by default. */
export type Answer = (request: DiscordRequest) => unknown;

/** Discord says that a thing does not exist, or that the bot may not do it. */
export function refused(status: 403 | 404, code: number): RestError {
  const kind = status === 403 ? "forbidden" : "not_found";
  return new RestError("Discord refused it", { kind, route: "GET /", status, code });
}
