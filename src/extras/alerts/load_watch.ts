/**
 * Loads the watch for alerts some seconds after the start, which needs none of its code; at once if
 * the bot ends by itself.
 */

import type { AlertRecord } from "../../core/alerts.ts";
import type { Alerts } from "./alerts.ts";
import { schedule } from "../../lib/clock.ts";
import { createLoader } from "../../lib/loader.ts";
import type { Watch, WatchedProcess } from "../../bot/bot_extra.ts";

/** Milliseconds after the start. */
const LOAD_MS = 3_000;

/** Creates the loader, and starts its timer. */
export function createLoadedAlerts(process: WatchedProcess): Watch {
  let loaded: Alerts | undefined;
  let isStopped = false;
  const { log } = process;
  const alerts = createLoader(async () => {
    const { startAlerts } = await import("./watch.ts");
    return loaded = startAlerts(process);
  });
  const load = async (): Promise<Alerts | undefined> => {
    try {
      return isStopped ? undefined : await alerts.get();
    } catch (error) {
      log.error("Cannot watch for alerts", { error });
      return undefined;
    }
  };
  const cancel = schedule(() => void load(), LOAD_MS);
  return {
    /** As {@link Alerts.open}; empty before it is loaded. */
    open: (): readonly AlertRecord[] => loaded?.open() ?? [],
    /** As {@link Alerts.lastLook}; never rejects. */
    lastLook: async (): Promise<void> => await (await load())?.lastLook(),
    /** As {@link Alerts.stop}, if it is loaded. */
    async stop(): Promise<void> {
      isStopped = true;
      cancel();
      await (await alerts.loading())?.stop();
    },
  };
}
