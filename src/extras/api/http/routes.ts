/** Lists the routes of the API for programs, with the bounds of each (SEC-R31, SEC-R35). */

import type { RouteRule } from "../../../http/routes.ts";

/** Maximum bytes of a request's body. */
export const MAX_API_BODY_BYTES = 1_048_576;

/** The routes of the API, which has addresses of its own. */
export const API_ROUTES = [
  { method: "GET", path: "/v1/models", auth: "program", maxBodyBytes: 0 },
  { method: "GET", path: "/v1/models/:id", auth: "program", maxBodyBytes: 0 },
  {
    method: "POST",
    path: "/v1/chat/completions",
    auth: "program",
    maxBodyBytes: MAX_API_BODY_BYTES,
  },
  { method: "POST", path: "/v1/responses", auth: "program", maxBodyBytes: MAX_API_BODY_BYTES },
  { method: "GET", path: "/v1/responses/:id", auth: "program", maxBodyBytes: 0 },
  { method: "POST", path: "/mcp", auth: "program", maxBodyBytes: MAX_API_BODY_BYTES },
] as const satisfies readonly RouteRule[];
