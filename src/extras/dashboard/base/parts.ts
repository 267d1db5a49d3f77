/** Declares the parts of a running bot that the dashboard's pages read and change. */

import type { RunningBot, Setup } from "../../../bot.ts";
import type { Store } from "../../../store/store.ts";
import type { Clock } from "../../../lib/clock.ts";
import type { Log } from "../../../lib/log.ts";

/** Everything that a page may read, and through which it may change data. */
export interface DashboardParts extends Pick<Clock, "now"> {
  /**
   * The store of the running bot. Its listed methods go the way of a command's request
   * (`shared/store_methods.ts`), so the bot reacts to a change as to that of a command.
   */
  readonly store: Store;
  readonly bot: Pick<RunningBot, "snapshot" | "refresh" | "pageMade">;
  /** The running config, with its accounts and models. */
  readonly setup: () => Setup;
  readonly log: Log;
  /** Removes secrets from a text, as from the log. */
  readonly clean: (text: string) => string;
}
