/** Loads the code that answers events of hooks, once the config has a hook, or a feed with a model. */

import type { AccountContext } from "../account_context.ts";
import { hasEvents } from "../../core/hooks/hook.ts";
import type { HookRunner } from "../../flows/hooks/runner.ts";

/** Creates the runner of an account, loaded or not. */
export function createLoadedHooks(
  { config, log }: Pick<AccountContext, "config" | "log">,
  load: () => Promise<HookRunner>,
): HookRunner {
  let loading: Promise<HookRunner> | undefined;
  let isStarted = false;
  let isStopped = false;

  function wake(): void {
    if (!isStarted || isStopped || !hasEvents(config())) return;
    loading ??= load();
    loading.then((runner) => {
      if (isStopped) return;
      runner.start();
      runner.wake();
    }).catch((error: unknown) => log.error("Cannot load hooks", { error }));
  }

  return {
    start() {
      isStarted = true;
      wake();
    },
    wake,
    async stop() {
      isStopped = true;
      await (await loading)?.stop();
    },
  };
}
