/**
 * Loads the code that answers events of hooks, once the config has a hook, or a feed with a model; also
 * if the last one has left events behind.
 */

import type { AccountContext } from "../../bot/account_context.ts";
import { hasEvents } from "../../core/hooks/hook.ts";
import { createLoader } from "../../lib/loader.ts";
import type { HookRunner } from "./runner.ts";

/** Creates the runner of an account, loaded or not. */
export function createLoadedHooks(
  { accountId, config, store, log }: Pick<AccountContext, "accountId" | "config" | "store" | "log">,
  load: () => Promise<HookRunner>,
): HookRunner {
  const runner = createLoader(load);
  let isStarted = false;
  let isStopped = false;

  function wake(): void {
    if (isStarted && (runner.loading() || hasEvents(config()))) run();
  }

  function run(): void {
    if (isStopped) return;
    runner.get().then((loaded) => {
      if (isStopped) return;
      loaded.start();
      loaded.wake();
    }).catch((error: unknown) => log.error("Cannot load hooks", { error }));
  }

  return {
    start() {
      if (isStarted) return wake();
      isStarted = true;
      if (hasEvents(config())) return run();
      store.hooks.hasOpen(accountId).then(
        (hasOpen) => hasOpen && run(),
        (error: unknown) => log.error("Cannot look for events of removed hooks", { error }),
      );
    },
    wake,
    async stop() {
      isStopped = true;
      await (await runner.loading())?.stop();
    },
  };
}
