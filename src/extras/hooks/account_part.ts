/** The part of an account that answers events of hooks (W3). */

import type { BotAccount } from "../../account/account.ts";
import type { AccountPart } from "../../bot/bot_extra.ts";
import { hasEvents } from "../../core/hooks/hook.ts";
import { createLoader } from "../../lib/loader.ts";
import type { HookRunner } from "./runner.ts";

export function createHooksPart(account: BotAccount): AccountPart {
  const { start, wake, stop } = createLoadedHooks(account, async () => {
    const { createAccountHooks } = await import("./account_hooks.ts");
    return createAccountHooks(account);
  });
  return {
    start,
    reconfigured: wake,
    namespaces: ["hooks"],
    events: {
      hookEnded: wake,
      hookStored: wake,
      delivered({ message: { of } }) {
        if (of?.kind === "notice") wake(); // perhaps the first of an incident
      },
    },
    stop,
  };
}

/**
 * Creates the runner of an account. Its code is loaded once the config has a hook, or an
 * entry of `on`; also if the last one has left events behind.
 */
function createLoadedHooks(
  { accountId, config, store, log }: Pick<BotAccount, "accountId" | "config" | "store" | "log">,
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
