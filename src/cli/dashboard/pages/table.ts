/** Lists the pages of the dashboard, in the order of its navigation. */

import type { AnyPage } from "../base/page.ts";
import { accessPage } from "./access.tsx";
import { approvalsPage } from "./approvals.tsx";
import { configPage } from "./config.tsx";
import { memoryPage } from "./memory.tsx";
import { outboxPage } from "./outbox.tsx";
import { schedulesPage } from "./schedules.tsx";
import { sessionsPage } from "./sessions.tsx";
import { spendPage } from "./spend.tsx";

/** All pages; the first one is the start. */
export const PAGES: readonly AnyPage[] = [
  outboxPage,
  accessPage,
  approvalsPage,
  sessionsPage,
  memoryPage,
  spendPage,
  schedulesPage,
  configPage,
];

/** Finds a page by the name in its address. */
export function pageNamed(path: string): AnyPage | undefined {
  return PAGES.find((one) => one.path === path);
}
