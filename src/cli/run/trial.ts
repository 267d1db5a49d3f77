/**
 * Lets a new version prove itself (O13): until its first accepted event, a failure of config, store
 * or token brings the old version back.
 *
 * The trial needs no mark of `barnacle upgrade`. The data directory has the version that worked with
 * it last, so a program that was exchanged by hand is on trial, too.
 */

import { existsSync } from "node:fs";
import { join } from "node:path";
import { DATABASE_NAME } from "../../host/files/data_dir.ts";
import {
  readVersionRecord,
  type TrialRecord,
  writeVersionRecord,
} from "../../host/files/version_record.ts";
import type { CrashPoints, CrashTransaction } from "../../host/process/crash_points.ts";
import { compareVersions } from "../../lib/version_order.ts";
import type { Log } from "../../lib/log.ts";
import { inspect } from "../../store/database/database.ts";
import { EXIT, type ExitCode, StartError } from "../shared/exit_code.ts";

/** Starts of a new version that may die before its first event. */
const MAX_DEATHS = 3;

/** The transaction before any event: the tables take work of the old version from the journal. */
const BEFORE_EVENTS: CrashTransaction = "TJ";

/** Exit codes after which the old version may do better. */
const FAILURES: ReadonlySet<ExitCode> = new Set([
  EXIT.failed,
  EXIT.io,
  EXIT.refused,
  EXIT.config,
]);

/** The trial of this version with a data directory. */
export interface Trial {
  /**
   * Counts this start, before the store is opened. The caller holds the lock of the data directory.
   *
   * @throws {StartError} If too many starts have died.
   */
  begin(path?: string): void;
  /** Ends the trial when the store is about to accept the first event. */
  readonly hooks: (crash: CrashPoints) => CrashPoints;
  /** Ends the trial, because a command is about to change the store. */
  accept(): void;
  /** Whether the version is on trial, and nothing is accepted yet. */
  readonly isOpen: () => boolean;
  /** The record of an open trial, if the bot has begun it. */
  readonly begun: () => TrialRecord | undefined;
  /** Notes that a start has ended in order. */
  leave(): void;
}

/** Whether an end of the bot speaks against its version. */
export function isFailure(code: ExitCode): boolean {
  return FAILURES.has(code);
}

/**
 * Opens the trial of a version.
 *
 * @param dataDir May be missing: then there is nothing to try.
 * @param isSource Whether the program runs from source, whose version says nothing.
 */
export function openTrial(dataDir: string, version: string, isSource = false): Trial {
  const { accepted, trial: earlier } = readVersionRecord(dataDir);
  let isAccepted = isSource || accepted === version && earlier === undefined;
  const from = !isAccepted && accepted !== undefined && compareVersions(accepted, version) < 0
    ? accepted
    : undefined;
  let begun: TrialRecord | undefined;

  /** Before the commit: after it, the old version would not know the event. */
  function accept(): void {
    if (isAccepted) return;
    writeVersionRecord(dataDir, { accepted: version });
    isAccepted = true;
  }

  const isOpen = () => from !== undefined && !isAccepted;
  return {
    isOpen,
    begun: () => isOpen() ? begun : undefined,
    begin(path = join(dataDir, DATABASE_NAME)) {
      if (from === undefined || !existsSync(path)) return;
      const same = earlier?.version === version && earlier.from === from ? earlier : undefined;
      const { failed } = readVersionRecord(dataDir);
      const schema = same?.schema ?? inspect(path, Infinity);
      const starts = (same?.starts ?? 0) + 1;
      begun = { version, from, schema, since: same?.since ?? Date.now(), starts };
      writeVersionRecord(dataDir, { accepted, trial: begun, failed });
      if (starts <= MAX_DEATHS) return;
      throw new StartError(
        `Barnacle ${version} has died ${MAX_DEATHS} times before its first event`,
        EXIT.failed,
      );
    },
    hooks: (crash) => ({
      ...crash,
      before(name) {
        if (name !== BEFORE_EVENTS) accept();
        crash.before(name);
      },
    }),
    accept,
    leave() {
      if (!begun || isAccepted) return;
      const { failed } = readVersionRecord(dataDir);
      const trial = { ...begun, starts: begun.starts - 1, left: Date.now() };
      writeVersionRecord(dataDir, { accepted, trial, failed });
    },
  };
}

/** Logs once that a newer version could not work with the data. */
export function tellFailedTrial(dataDir: string, version: string, log: Log): void {
  const record = readVersionRecord(dataDir);
  const { failed } = record;
  if (!failed || failed.isTold || failed.version === version) return;
  log.warn("A newer Barnacle could not start with these data, so this version runs again", {
    newer: failed.version,
    why: failed.why,
    hint: "`barnacle upgrade` tries again",
  });
  writeVersionRecord(dataDir, { ...record, failed: { ...failed, isTold: true } });
}
