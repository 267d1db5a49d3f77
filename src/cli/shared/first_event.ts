/**
 * Notes in the data directory that this version is about to store its first event (O13). From then on
 * the version before it lacks an event, so `barnacle upgrade --back` puts no older store back.
 */

import { readLastVersion, writeLastVersion } from "../../host/files/version_record.ts";
import type { CrashPoints } from "../../host/process/crash_points.ts";

/**
 * Creates the note.
 *
 * @param isSource Whether the program runs from source, whose version says nothing.
 */
export function createFirstEvent(dataDir: string, version: string, isSource: boolean) {
  let isNoted = isSource || readLastVersion(dataDir) === version;

  function note(): void {
    if (isNoted) return;
    writeLastVersion(dataDir, version);
    isNoted = true;
  }

  return {
    /** Notes it, because a command is about to change the store, or Discord has resumed a session. */
    note,
    /** Notes it before the first commit of an event. */
    hooks: (crash: CrashPoints): CrashPoints => ({
      ...crash,
      before(name) {
        note();
        crash.before(name);
      },
    }),
  };
}
