/**
 * Lists the pages of the dashboard, in the order of its navigation. Each is loaded when a person opens
 * it, because all of them together take several megabytes.
 */

import type { AnyPage } from "../base/page.ts";

export interface PageRow {
  /** Name in addresses: `"feed"` is `/dashboard/feed`. */
  readonly path: string;
  /** In the navigation and as heading. */
  readonly title: string;
  /** Loads its code. */
  readonly open: () => Promise<AnyPage>;
}

/** All pages; the first one is the start. */
export const PAGES: readonly PageRow[] = [
  { path: "now", title: "Now", open: async () => (await import("./now.tsx")).nowPage },
  { path: "feed", title: "Feed", open: async () => (await import("./feed.tsx")).feedPage },
  { path: "access", title: "Access", open: async () => (await import("./access.tsx")).accessPage },
  {
    path: "approvals",
    title: "Approvals",
    open: async () => (await import("./approvals.tsx")).approvalsPage,
  },
  {
    path: "sessions",
    title: "Sessions",
    open: async () => (await import("./sessions.tsx")).sessionsPage,
  },
  { path: "memory", title: "Memory", open: async () => (await import("./memory.tsx")).memoryPage },
  { path: "spend", title: "Spend", open: async () => (await import("./spend.tsx")).spendPage },
  {
    path: "schedules",
    title: "Schedules",
    open: async () => (await import("./schedules.tsx")).schedulesPage,
  },
  {
    path: "gateway",
    title: "Gateway",
    open: async () => (await import("./gateway.tsx")).gatewayPage,
  },
  { path: "outbox", title: "Outbox", open: async () => (await import("./outbox.tsx")).outboxPage },
  {
    path: "servers",
    title: "Server check",
    open: async () => (await import("./servers.tsx")).serversPage,
  },
  { path: "config", title: "Config", open: async () => (await import("./config.tsx")).configPage },
];

/** Finds a page by the name in its address. */
export function pageNamed(path: string): PageRow | undefined {
  return PAGES.find((one) => one.path === path);
}
