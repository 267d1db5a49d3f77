/**
 * Loads the code that answers events of hooks, once the config has a hook, or a feed with a model; also
 * if the last one has left events behind.
 */

import type { AccountContext } from "../../bot/account_context.ts";
import { hasEvents } from "../../core/hooks/hook.ts";
import type { HookRunner } from "./runner.ts";

/** Creates the runner of an account, loaded or not. */
export function createLoadedHooks(
  { accountId, config, store, log }: Pick<AccountContext, "accountId" | "config" | "store" | "log">,
  load: () => Promise<HookRunner>,
): HookRunner {
  let loading: Promise<HookRunner> | undefined;
  let isStarted = false;
  let isStopped = false;

  function wake(): void {
    if (isStarted && (loading || hasEvents(config()))) run();
  }

  function run(): void {
    if (isStopped) return;
    loading ??= load();
    loading.then((runner) => {
      if (isStopped) return;
      runner.start();
      runner.wake();
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
      await (await loading)?.stop();
    },
  };
}
