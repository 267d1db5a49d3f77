/**
 * Brings the previous version back, because a new one has failed before its first accepted event
 * (O13).
 *
 * The store comes first: the old program refuses the store of a newer one. If the process dies in
 * between, the next start of the new program tries again, with the same end.
 */

import { join } from "node:path";
import { DATABASE_NAME } from "../../host/files/data_dir.ts";
import { filesOf, hasPrevious, installPrevious } from "../../host/files/program_file.ts";
import {
  readVersionRecord,
  type TrialRecord,
  writeVersionRecord,
} from "../../host/files/version_record.ts";
import type { CrashPoints } from "../../host/process/crash_points.ts";
import { codeOf } from "../../lib/errors.ts";
import { inspect } from "../../store/database/database.ts";
import { putBackCopy } from "../../store/copy/copy.ts";
import { lockForCommand } from "../../cli/shared/running_bot.ts";
import { tryProgram } from "./try_program.ts";

/** Why a version went back that has not failed. */
export const OPERATOR = "the operator asked for it";

/** A trial that has failed, and where. */
export interface FailedStart {
  readonly dataDir: string;
  /** The running program, with links resolved. */
  readonly program: string;
  readonly trial: TrialRecord;
  readonly why: string;
}

/**
 * Goes back.
 *
 * @param say Gets a line about each step.
 * @returns Whether the program's name leads to the previous version now.
 */
export async function goBack(
  { dataDir, program, trial, why }: FailedStart,
  crash: Pick<CrashPoints, "at">,
  say: (line: string) => void,
): Promise<boolean> {
  const files = filesOf(program);
  if (!hasPrevious(files)) return false; // `barnacle upgrade` did not install this version
  const previous = await tryProgram(files.previous);
  if (typeof previous !== "string" && previous.version !== trial.from) {
    say(`Cannot go back to ${trial.from}: ${files.previous} is ${previous.version}`);
    return false;
  }
  const lock = await lockForCommand(dataDir);
  if (lock.kind === "taken") return false; // another bot works with the data
  try {
    // The caller may have looked before the first event: the old store lacks it.
    if (readVersionRecord(dataDir).accepted === trial.version) return false;
    const store = join(dataDir, DATABASE_NAME);
    const isOld = inspect(store, Infinity) === trial.schema ||
      putBackCopy(store, trial.schema, trial.since);
    if (!isOld) {
      say(`Cannot go back to ${trial.from}: there is no copy of its store. Restore a backup`);
      return false;
    }
    crash.at("putBack");
    const failed = { version: trial.version, why, at: Date.now(), isTold: false };
    writeVersionRecord(dataDir, { accepted: readVersionRecord(dataDir).accepted, failed });
    if (typeof previous === "string") { // a sandbox forbids it; `barnacle upgrade` waits outside
      say(`Barnacle ${trial.version} could not start; \`sudo barnacle upgrade --back\` goes back`);
      return false;
    }
    installPrevious(files);
    crash.at("wentBack");
    say(`Back to Barnacle ${trial.from}, because ${trial.version} could not start: ${why}`);
    return true;
  } catch (error) {
    const reason = codeOf(error) ?? (error instanceof Error ? error.message : String(error));
    say(
      `Cannot put Barnacle ${trial.from} back (${reason}); run \`sudo barnacle upgrade --back\``,
    );
    return false;
  } finally {
    lock.release();
  }
}
