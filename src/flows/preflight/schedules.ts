/** Judges the last runs of schedules (O12). A person sees a failure in a direct message. */

import type { Finding } from "../../core/finding.ts";
import { isFailure, type Schedule } from "../../core/turn/schedule.ts";
import { DAY_MS } from "../../lib/clock.ts";

/** None of a schedule that has never run, and of one that is over. */
export function judgeSchedule(
  { id, cron, lastRun, pausedBy, origin: { place } }: Schedule,
  now: number,
): readonly Finding[] {
  const about = { id: `schedule:${id}`, what: `Schedule ${id}` };
  if (!lastRun) return [];
  const isPaused = pausedBy === "failures";
  const isUnseen = place.kind !== "dm" && lastRun.state !== "refused" && pausedBy === undefined;
  const isOld = cron === undefined && now - lastRun.startedAt >= DAY_MS; // it never runs again
  if (!isFailure(lastRun.state) || !isPaused && (!isUnseen || isOld)) {
    return cron === undefined ? [] : [{ ...about, status: "pass", why: "its last run worked" }];
  }
  return [{
    ...about,
    status: "warn",
    why: isPaused ? "its last runs failed, so it is paused" : "its last run failed",
    fix: `run \`barnacle why ${lastRun.messageId}\`` +
      (isPaused ? `, then \`barnacle schedules resume ${id}\`` : ""),
    isNoticed: true,
  }];
}
