/**
 * The part of an account that answers events of hooks (W3). Its code is loaded once the config has a
 * hook, or an entry of `on`; also if the last one has left events behind.
 */

import type { BotAccount } from "../../account/account.ts";
import { wakes } from "../../account/per_account.ts";
import { hasEvents } from "../../core/hooks/hook.ts";
import { createLoader } from "../../lib/cache.ts";
import type { AccountPart } from "../../account/features.ts";

export function createHooksPart(account: BotAccount): AccountPart {
  const { accountId, config, store, log } = account;
  const runs = createLoader(async () => (await import("./runner.ts")).hookRuns);
  let isStarted = false;
  let isStopped = false;

  function wake(): void {
    if (isStarted && (runs.loading() || hasEvents(config()))) run();
  }

  function run(): void {
    runs.get().then((loaded) => {
      if (isStopped) return;
      loaded.start(account);
      loaded.of(account)?.wake();
    }).catch((error: unknown) => log.error("Cannot load hooks", { error }));
  }

  wakes(account).hooks = wake;
  return {
    start() {
      isStarted = true;
      if (hasEvents(config())) return run();
      store.hooks.hasOpen(accountId).then(
        (hasOpen) => hasOpen && run(),
        (error: unknown) => log.error("Cannot look for events of removed hooks", { error }),
      );
    },
    changed: wake,
    async stop() {
      isStopped = true;
      await (await runs.loading())?.stop(account);
    },
  };
}
