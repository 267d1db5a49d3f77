/** The part of an account with people's own sign-ins (T13a); its code is loaded at its first use. */

import type { AccountContext } from "../../bot/account_context.ts";
import type { AccountPart, AccountServices } from "../../bot/bot_extra.ts";
import { latest } from "../../lib/cache.ts";
import { createLoader } from "../../lib/loader.ts";
import type { OwnServers } from "./own_servers.ts";
import { privately } from "./privately.ts";

export function createSignInsPart(account: AccountContext, services: AccountServices): AccountPart {
  let loaded: OwnServers | undefined;
  const { get: load } = createLoader(async () => {
    const { createOwnServers } = await import("./own_servers.ts");
    return loaded = createOwnServers(account, services);
  });
  const inOthers = latest(
    account.config,
    ({ mcp: { servers } }) =>
      Object.entries(servers).filter(([, { login }]) => login === "each")
        .map(([id]) => privately(id, async (call) => await (await load()).ask(call))),
  );
  const sweep = () => {
    if (inOthers().length === 0 && !loaded) return;
    load().then((own) => own.sweep()).catch((error: unknown) =>
      account.forPart("tools").log.warn("Cannot look after people's sign-ins", { error })
    );
  };
  return {
    start: sweep,
    reconfigured: sweep,
    stop: async () => await loaded?.stop(),
    commands: { signins: async (call) => (await load()).command(call) },
    own: {
      ready: async (message) => await (await load()).ready(message),
      tools: (message) => message.own ? loaded?.tools(message) ?? [] : inOthers(),
    },
  };
}
