/** Declares the rule of a route of the HTTP server, and the routes of health and metrics. */

/** The bounds of a route (SEC-R31, SEC-R35). */
export interface RouteRule {
  /** `GET` allows `HEAD`, too. */
  readonly method: "GET" | "POST";
  /** Path, with `:name` for one segment. */
  readonly path: string;
  /**
   * What a client needs beside an allowed host name.
   *
   * - `details`: `http.token`, or the key of Barnacle's own commands.
   * - `session`: the token of a session of the dashboard.
   * - `hook`: the secret of the named hook, or a signature made with it.
   * - `key`: the key of a demo's page that other machines can reach, in the address.
   * - `state`: the random `state` of a sign-in that waits, in the address.
   */
  readonly auth: "none" | "details" | "session" | "hook" | "key" | "state";
  /** Maximum bytes of a body; 0: the route reads none. */
  readonly maxBodyBytes: number;
}

/** The routes that exist without the dashboard. All of them are read-only. */
export const HEALTH_ROUTES = [
  { method: "GET", path: "/livez", auth: "none", maxBodyBytes: 0 },
  { method: "GET", path: "/readyz", auth: "none", maxBodyBytes: 0 },
  { method: "GET", path: "/healthz", auth: "none", maxBodyBytes: 0 },
  { method: "GET", path: "/metrics", auth: "details", maxBodyBytes: 0 },
  { method: "GET", path: "/status", auth: "details", maxBodyBytes: 0 },
] as const satisfies readonly RouteRule[];
