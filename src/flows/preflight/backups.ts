/** Judges the results of backups, for `barnacle doctor` and `barnacle status` (O11). */

import type { Finding } from "../../core/finding.ts";
import type { BackupState } from "../../core/store/settings.ts";
import { DAY_MS } from "../../lib/clock.ts";
import { durationText, sizeOf, timeText } from "../../lib/text/units.ts";

/** Milliseconds from which the newest backup is too old: two nights have passed. */
const OLD_MS = 2 * DAY_MS;

/**
 * The newest backup, and the failure after it, in one line.
 *
 * @param isThere Whether its file is at its place; it may be deleted, or its disk be away.
 */
export function backupText({ made, failed }: BackupState, now: number, isThere: boolean): string {
  const last = made
    ? `${durationText(Math.max(0, now - made.at))} ago, ${sizeOf(made.bytes)}, ${made.path}` +
      (isThere ? "" : ", which is not there now")
    : "none yet";
  return failed ? `failed at ${timeText(failed.at)}: ${failed.why}; the last one: ${last}` : last;
}

/** The row of `doctor`. */
export function judgeBackups(
  state: BackupState,
  { enabled }: { readonly enabled: boolean },
  now: number,
  isThere: boolean,
): Finding {
  const about = { id: "host.backups", what: "Backups", where: state.made?.path };
  const { since = now, made, failed } = state;
  const why = backupText(state, now, isThere);
  if (failed) {
    return {
      ...about,
      status: enabled ? "fail" : "warn",
      why,
      fix: "run `barnacle backup` once the cause is gone",
    };
  }
  if (now - Math.max(since, made?.at ?? 0) > OLD_MS) {
    const fix = enabled
      ? "let the bot run at night, or run `barnacle backup`"
      : "run `barnacle backup`, or set `backup.enabled` to true";
    return { ...about, status: "warn", why, fix };
  }
  if (made && !isThere) {
    const fix = "connect the disk that has it, or run `barnacle backup`";
    return { ...about, status: "warn", why, fix };
  }
  return { ...about, status: "pass", why };
}
