/** Lists the pages of the dashboard, in the order of its navigation. */

import type { AnyPage } from "../base/page.ts";
import { accessPage } from "./access.tsx";
import { approvalsPage } from "./approvals.tsx";
import { configPage } from "./config.tsx";
import { feedPage } from "./feed.tsx";
import { gatewayPage } from "./gateway.tsx";
import { memoryPage } from "./memory.tsx";
import { nowPage } from "./now.tsx";
import { serversPage } from "./servers.tsx";
import { outboxPage } from "./outbox.tsx";
import { schedulesPage } from "./schedules.tsx";
import { sessionsPage } from "./sessions.tsx";
import { spendPage } from "./spend.tsx";

/** All pages; the first one is the start. */
export const PAGES: readonly AnyPage[] = [
  nowPage,
  feedPage,
  accessPage,
  approvalsPage,
  sessionsPage,
  memoryPage,
  spendPage,
  schedulesPage,
  gatewayPage,
  outboxPage,
  serversPage,
  configPage,
];

/** Finds a page by the name in its address. */
export function pageNamed(path: string): AnyPage | undefined {
  return PAGES.find((one) => one.path === path);
}
