/** Lists the pages of the dashboard, in the order of its navigation. */

import type { AnyPage } from "../base/page.ts";
import { outboxPage } from "./outbox.tsx";

/** All pages; the first one is the start. */
export const PAGES: readonly AnyPage[] = [outboxPage];

/** Finds a page by the name in its address. */
export function pageNamed(path: string): AnyPage | undefined {
  return PAGES.find((one) => one.path === path);
}
