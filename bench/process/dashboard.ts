/**
 * Bench: the memory that pages of the dashboard leave in the bot, after it has answered eight messages:
 * one page, then all at once, then all of them again.
 *
 * Beside the pages, a bot's memory drifts. So the same waits without a page come first.
 */

import { setTimeout as sleep } from "node:timers/promises";
import { PAGES } from "../../src/extras/dashboard/pages/table.ts";
import { requestLink } from "../../src/extras/dashboard/print_link.ts";
import { type Memory, memoryOf } from "../stand/proc.ts";
import { type Contender, openSimulatedStand } from "../stand/stand.ts";
import type { Readings } from "../stand/stats.ts";

const ANSWERS = 8;
/** Barnacle returns memory three seconds after its last work, and once more five seconds later. */
const REST_MS = 15_000;
/** The time for which a reader looks at a page, which is live meanwhile. */
const LOOK_MS = 500;

export async function benchDashboard(contender: Contender): Promise<Readings> {
  const config = { http: { port: 0, dashboard: true } };
  const stand = await openSimulatedStand(contender, { config });
  try {
    const { pid } = await stand.start();
    for (let answer = 1; answer <= ANSWERS; answer++) {
      stand.ask("general");
      await stand.posts(answer);
    }
    const rested = async (): Promise<Memory> => {
      await sleep(REST_MS);
      return memoryOf(pid);
    };
    const begun = await rested();
    const before = await rested();
    const open = await login(stand.dataDir);
    await open("today");
    const one = await rested();
    for (const { path } of PAGES) await open(path);
    const all = await rested();
    for (const { path } of PAGES) await open(path);
    const again = await rested();
    const added = (from: Memory, to: Memory) => to.privateDirtyMib - from.privateDirtyMib;
    return {
      dashboardIdleMib: added(begun, before),
      dashboardOneMib: added(before, one),
      dashboardAllMib: added(before, all),
      dashboardAgainMib: added(all, again),
      dashboardAllRssMib: all.rssMib - before.rssMib,
    };
  } finally {
    await stand.close();
  }
}

/** Logs a reader in. The result opens a page, and follows it for a moment. */
async function login(dataDir: string): Promise<(page: string) => Promise<void>> {
  const url = new URL((await requestLink(dataDir)).url);
  const answer = await fetch(`${url.origin}/dashboard/login`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ token: url.hash.slice(1) }),
  });
  const { token } = await answer.json();
  const headers = { Authorization: `Bearer ${token}` };
  return async (page) => {
    const shown = await fetch(`${url.origin}/dashboard/pages/${page}`, { headers });
    if (!shown.ok) throw new Error(`${page}: ${shown.status}`);
    await shown.text();
    const left = new AbortController();
    const live = await fetch(`${url.origin}/dashboard/live/${page}`, {
      headers,
      signal: left.signal,
    });
    await sleep(LOOK_MS);
    left.abort();
    await live.body?.cancel().catch(() => {});
  };
}
