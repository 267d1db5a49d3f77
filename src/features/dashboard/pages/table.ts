/**
 * Lists the pages of the dashboard, in the order of its navigation, with the parts of each. A page is
 * loaded when a person opens it, because all of them together take several megabytes.
 */

import type { Served } from "../../../cli/run/served_parts.ts";
import type { PageView } from "../base/elements.tsx";

/**
 * Renders a page of the running bot. The methods of the store that commands may call go the way of a
 * command (`store_methods.ts`), so the bot reacts to a change as to that of a command.
 */
export type Page = (served: Served, query: URLSearchParams) => Promise<PageView>;

export interface PageRow {
  /** Name in addresses: `"activity"` is `/dashboard/activity`. */
  readonly path: string;
  /** In the navigation and as heading. */
  readonly title: string;
  /** Loads its code. */
  readonly open: () => Promise<Page>;
}

/** All pages; the first one is the start. */
export const PAGES: readonly PageRow[] = [
  { path: "today", title: "Today", open: async () => (await import("./today.tsx")).todayPage },
  { path: "activity", title: "Activity", open: async () => (await import("./feed.tsx")).feedPage },
  { path: "spend", title: "Spend", open: async () => (await import("./spend.tsx")).spendPage },
];

/** Finds a page by the name in its address. */
export function pageNamed(path: string): PageRow | undefined {
  return PAGES.find((one) => one.path === path);
}
