/**
 * Lists the pages of the dashboard, in the order of its navigation, with the parts of each. A page is
 * loaded when a person opens it, because all of them together take several megabytes.
 */

import { type AnyPage, together } from "../base/page.ts";

export interface PageRow {
  /** Name in addresses: `"activity"` is `/dashboard/activity`. */
  readonly path: string;
  /** In the navigation and as heading. */
  readonly title: string;
  /** Loads its code. */
  readonly open: () => Promise<AnyPage>;
}

/** All pages; the first one is the start. */
export const PAGES: readonly PageRow[] = [
  {
    path: "today",
    title: "Today",
    open: async () => (await import("./today.tsx")).todayPage,
  },
  {
    path: "activity",
    title: "Activity",
    open: async () =>
      together(
        (await import("./feed.tsx")).feedPart,
        (await import("./sessions.tsx")).sessionsPart,
      ),
  },
  {
    path: "people",
    title: "People",
    open: async () =>
      together(
        (await import("./access.tsx")).accessPart,
        (await import("./paired.tsx")).pairedPart,
      ),
  },
  {
    path: "memory",
    title: "Memory",
    open: async () =>
      together(
        (await import("./notes.tsx")).notesPart,
        (await import("./schedules.tsx")).schedulesPart,
      ),
  },
  { path: "spend", title: "Spend", open: async () => (await import("./spend.tsx")).spendPage },
  {
    path: "settings",
    title: "Settings",
    open: async () =>
      together(
        (await import("./config.tsx")).configPart,
        (await import("./upkeep.tsx")).upkeepPart,
      ),
  },
  {
    path: "diagnostics",
    title: "Diagnostics",
    open: async () =>
      together(
        (await import("./figures.tsx")).figuresPart,
        (await import("./outbox.tsx")).outboxPart,
        (await import("./gateway.tsx")).gatewayPart,
        (await import("./servers.tsx")).serversPart,
      ),
  },
  { path: "help", title: "Help", open: async () => (await import("../help/help.tsx")).helpPage },
];

/** Finds a page by the name in its address. */
export function pageNamed(path: string): PageRow | undefined {
  return PAGES.find((one) => one.path === path);
}
