/** The part of an account with people's own sign-ins (T13a); its code is loaded at its first use. */

import { termsOf } from "../../core/inbound/inbound.ts";
import { z } from "zod";
import type { BotAccount } from "../../account/account.ts";
import type { AccountPart } from "../../account/feature_parts.ts";
import { defineTool, type Tool } from "../../core/turn/tool.ts";
import { createLoader, latest } from "../../lib/cache.ts";

export function createSignInsPart(account: BotAccount): AccountPart {
  let loaded: typeof import("./own_servers.ts") | undefined;
  const { get: load } = createLoader(async () => {
    loaded = await import("./own_servers.ts");
    loaded.peoplesLogins.start(account);
    return loaded;
  });
  /** The only tool of such a server in other turns, which never see an account. */
  const privately = (id: string): Tool =>
    defineTool({
      name: `mcp__${id}__privately`,
      description: `The person's own account at "${id}". Call this if their message is about it, ` +
        "or goes on with such a question. Their own words are then answered in their direct " +
        "messages; you see neither the account nor the answer.",
      input: () => z.strictObject({}),
      needs: [],
      seenAt: "nowhere",
      isPersonal: true,
      isIdempotent: true, // a message is taken over once
      run: async (_, call) => await (await load()).askPrivately(account, id, call),
    });
  const inOthers = latest(
    account.config,
    ({ mcp: { servers } }) =>
      Object.keys(servers).filter((id) => servers[id]?.login === "each").map(privately),
  );
  return {
    start: () => void (inOthers().length > 0 && load().catch(() => {})), // it ends old sign-ins
    stop: async () => await loaded?.peoplesLogins.stop(account),
    own: {
      ready: async (message) => await (await load()).readyFor(account, message),
      tools: (message) =>
        termsOf(message).rights === "own accounts"
          ? loaded?.toolsFor(account, message) ?? []
          : inOthers(),
    },
  };
}
