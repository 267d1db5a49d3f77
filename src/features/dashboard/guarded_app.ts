/**
 * Creates the application of the dashboard from its table of routes, and holds each request to the row
 * of its route (SEC-R31, SEC-R35): host, method, origin, token, size.
 */

import { type Handler, Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import { toStartError } from "../../cli/shared/start_error.ts";
import {
  bearerOf,
  browserHeaders,
  publicNames,
  refusalOf,
  refusalOfChange,
} from "../../http/app.ts";
import type { RouteRule } from "../../http/app.ts";
import type { Log } from "../../lib/log.ts";
import { printable } from "../../lib/text/quoted.ts";

const KIB = 1_024;

/** All routes; the application has no other one. */
export const DASHBOARD_ROUTES = {
  shell: { method: "GET", path: "/dashboard", auth: "none", maxBodyBytes: 0 },
  asset: { method: "GET", path: "/dashboard/assets/:name", auth: "none", maxBodyBytes: 0 },
  login: { method: "POST", path: "/dashboard/login", auth: "none", maxBodyBytes: KIB },
  logout: { method: "POST", path: "/dashboard/logout", auth: "session", maxBodyBytes: KIB },
  page: { method: "GET", path: "/dashboard/pages/:page", auth: "session", maxBodyBytes: 0 },
  change: {
    method: "POST",
    path: "/dashboard/changes/:change",
    auth: "session",
    maxBodyBytes: 64 * KIB,
  },
  // Last: the others with two segments come first.
  shellOfPage: { method: "GET", path: "/dashboard/:page", auth: "none", maxBodyBytes: 0 },
} as const satisfies Readonly<Record<string, RouteRule>>;

export type DashboardRoute = keyof typeof DASHBOARD_ROUTES;

/** One place of the page's script turns text into elements: pages that this server rendered. */
const HEADERS = Object.entries(browserHeaders("dashboard"));

export function createGuardedApp({ isSession, handlers, log, publicUrl }: {
  readonly isSession: (token: string) => boolean;
  readonly handlers: Readonly<Record<DashboardRoute, Handler>>;
  readonly log: Log;
  /** `http.publicUrl`. */
  readonly publicUrl?: string;
}): Hono {
  const app = new Hono();
  app.use(async (c, next) => {
    const refusal = refusalOf(c.req.raw, publicNames(publicUrl));
    if (refusal !== undefined) c.res = c.text(refusal, 403);
    else await next();
    for (const [name, value] of HEADERS) c.res.headers.set(name, value);
  });
  for (const [name, { method, path, auth, maxBodyBytes }] of Object.entries(DASHBOARD_ROUTES)) {
    app.on(method, path, async (c, next) => {
      const refusal = method === "POST" ? refusalOfChange(c.req.raw, publicUrl) : undefined;
      if (refusal !== undefined) return c.text(refusal, 403);
      // The server ends such a connection, and to read its rest would fail in the log.
      if (c.req.header("transfer-encoding") !== undefined) {
        return c.text("The body must announce its length", 411);
      }
      if (auth === "session") {
        const token = bearerOf(c.req.raw.headers);
        if (token === undefined || !isSession(token)) {
          return c.text("This needs a login; run `barnacle dashboard`", 401, {
            "WWW-Authenticate": 'Bearer realm="barnacle dashboard"',
          });
        }
      }
      return await next();
    });
    if (maxBodyBytes > 0) {
      app.on(
        method,
        path,
        bodyLimit({
          maxSize: maxBodyBytes,
          onError: (c) => c.text("The request is too long", 413),
        }),
      );
    }
    app.on(method, path, handlers[name as DashboardRoute]);
    app.all(path, (c) =>
      c.text(`This address takes ${method} only`, 405, {
        Allow: method === "GET" ? "GET, HEAD" : method,
      }));
  }
  app.notFound((c) => c.text("Nothing here", 404));
  app.onError((error, c) => {
    const { message } = toStartError(error);
    const isOurs = message.startsWith("internal error");
    log.error("A request of the dashboard failed", { path: printable(c.req.path), error });
    return c.text(isOurs ? "Internal error; see the log" : message, 500);
  });
  return app;
}
