/**
 * Loads the watch for alerts some seconds after the start, which needs none of its code; at once if
 * the bot ends by itself.
 */

import type { AlertRecord } from "../../core/alerts.ts";
import type { Alerts } from "../../flows/alerts/alerts.ts";
import { schedule } from "../../lib/clock.ts";
import { createLoader } from "../../lib/loader.ts";
import type { startAlerts } from "./alerts.ts";

/** Milliseconds after the start. */
const LOAD_MS = 3_000;

/** Creates the loader, and starts its timer; the arguments are those of {@link startAlerts}. */
export function createLoadedAlerts(...args: Parameters<typeof startAlerts>) {
  let loaded: Alerts | undefined;
  let isStopped = false;
  const [, { log }] = args;
  const alerts = createLoader(async () => {
    const { startAlerts } = await import("./alerts.ts");
    return loaded = startAlerts(...args);
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
