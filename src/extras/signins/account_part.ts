/** The part of an account with people's own sign-ins (T13a); its code is loaded at its first use. */

import type { AccountContext } from "../../bot/account_context.ts";
import type { AccountPart, AccountServices } from "../../bot/bot_extra.ts";
import { createLoader } from "../../lib/loader.ts";
import type { OwnServersPart } from "./own_servers.ts";

export function createSignInsPart(account: AccountContext, services: AccountServices): AccountPart {
  let loaded: OwnServersPart | undefined;
  const { get: load } = createLoader(async () => {
    const { createOwnServers } = await import("./own_servers.ts");
    return loaded = createOwnServers(account, services);
  });
  const isOn = () =>
    Object.values(account.config().mcp.servers).some(({ login }) => login === "each");
  const sweep = () => {
    if (!isOn() && !loaded) return;
    load().then((own) => own.sweep()).catch((error: unknown) =>
      account.forPart("tools").log.warn("Cannot look after people's sign-ins", { error })
    );
  };
  return {
    start: sweep,
    reconfigured: sweep,
    stop: async () => await loaded?.stop(),
    events: { attempted: (row) => loaded?.attempted(row) },
    own: { isOn, load, now: () => loaded },
  };
}
