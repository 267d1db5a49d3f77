/**
 * Forgets the person who gives `/forget me` (X5).
 *
 * Writing the file anew removes deleted texts from free pages. It blocks all other work, so it comes
 * later, and once for several people.
 *
 * @module
 */

import type { InteractionContext } from "../../interactions/base/context.ts";
import type { Log } from "../../lib/log.ts";
import type { StartTimer } from "../../lib/clock.ts";
import type { MediaFolder } from "../../media/folder.ts";
import type { Store } from "../../core/store/store.ts";

/** The dependencies of forgetting. */
export interface ForgetOptions {
  /** Removes a person from the store. */
  readonly forgetting: Pick<Store["forgetting"], "forget" | "vacuum">;
  /** The folder of people's files. */
  readonly folder: Pick<MediaFolder, "forget">;
  /** Timer. */
  readonly schedule: StartTimer;
  /** Gets warnings and failures. */
  readonly log: Log;
}

/** Milliseconds until the file is written anew, and between two times. */
const VACUUM_AFTER_MS = 60_000;

/** Maximum number of tries: another process may read the file. */
const MAX_TRIES = 10;

/** Creates the port of commands. */
export function createForget(
  { forgetting, folder, schedule, log }: ForgetOptions,
): InteractionContext["forget"] {
  let isDue = false;

  function vacuumLater(triesLeft = MAX_TRIES): void {
    if (isDue) return;
    isDue = true;
    schedule(() => {
      isDue = false;
      try {
        forgetting.vacuum();
      } catch (error) {
        log.warn("Cannot write the store anew after a person was forgotten", { error, triesLeft });
        if (triesLeft > 0) vacuumLater(triesLeft - 1);
      }
    }, VACUUM_AFTER_MS);
  }

  return async ({ sender: { id } }) => {
    const forgotten = await forgetting.forget(id, true);
    if (forgotten === "open turns") return "open turns";
    await folder.forget(id);
    vacuumLater();
    return "forgotten";
  };
}
