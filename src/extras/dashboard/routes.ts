/** Lists the routes of the dashboard, with the bounds of each (SEC-R31, SEC-R35). */

import type { RouteRule } from "../../http/routes.ts";

const KIB = 1_024;

/** All routes; the application has no other one. */
export const DASHBOARD_ROUTES = {
  shell: { method: "GET", path: "/dashboard", auth: "none", maxBodyBytes: 0 },
  asset: { method: "GET", path: "/dashboard/assets/:name", auth: "none", maxBodyBytes: 0 },
  login: { method: "POST", path: "/dashboard/login", auth: "none", maxBodyBytes: KIB },
  logout: { method: "POST", path: "/dashboard/logout", auth: "session", maxBodyBytes: KIB },
  page: { method: "GET", path: "/dashboard/pages/:page", auth: "session", maxBodyBytes: 0 },
  live: { method: "GET", path: "/dashboard/live/:page", auth: "session", maxBodyBytes: 0 },
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
