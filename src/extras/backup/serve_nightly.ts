/** Makes the nightly backups of a running bot (O11). */

import type { Served, ServedPart } from "../../cli/extras/served_part.ts";
import { schedule } from "../../lib/clock.ts";
import { backupsByCommand, createNightly } from "./nightly.ts";

/** Begins; the code is loaded once the bot runs. */
export function serveNightly({ store, dataDir, env, setup: first, logging }: Served): ServedPart {
  let setup = first;
  const log = logging.forPart("store");
  const nightly = createNightly({
    config: () => setup.config,
    settings: store.settings,
    async botId() {
      for (const accountId of await store.gateway.accountIds()) {
        const { self } = await store.gateway.loadAccount(accountId);
        if (self) return self.userId;
      }
      return undefined;
    },
    dataDir,
    startBackup: backupsByCommand({ dataDir, config: first.config.file, env }),
    now: () => Date.now(),
    schedule,
    log,
  });
  nightly.start();
  return {
    applied: (next) => void (setup = next),
    close: nightly.stop,
  };
}
