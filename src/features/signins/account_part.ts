/** People's own sign-ins (T13a): the part of an account, whose code is loaded at its first use; and the page. */

import { z } from "zod";
import type { BotAccount } from "../../account/account.ts";
import type { Served, ServedPart } from "../../cli/run/served_parts.ts";
import { termsOf } from "../../core/inbound/inbound.ts";
import { defineTool, type Tool } from "../../core/turn/tool.ts";
import { CALLBACK_ROUTE, page, refusedCallback } from "../../host/sign_in_callback.ts";
import { publicNames } from "../../http/app.ts";
import { ownServers } from "../../flows/turn/turn_rules.ts";
import { createLoader, latest } from "../../lib/cache.ts";
import type { AccountPart } from "../../account/features.ts";

/**
 * The page to which a browser comes back. The browser may be another person's, as links can be passed
 * on. So it ends no sign-in: its person does that in Discord.
 */
export function createSignInPage({ setup }: { readonly setup: Served["setup"] }): ServedPart {
  let { config: { mcp: { servers }, http } } = setup;
  return {
    applied: ({ config }) => void ({ mcp: { servers }, http } = config),
    answer(request) {
      const isOn = Object.values(servers).some(({ login }) => login === "each");
      if (!isOn || new URL(request.url).pathname !== CALLBACK_ROUTE.path) return undefined;
      return refusedCallback(request, publicNames(http.publicUrl)) ?? page(
        "Copy the whole address of this page, and enter it in Discord, where you began the sign-in. " +
          "If you did not begin one, close this page and give the address to no one.",
        200,
      );
    },
  };
}

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
  Object.assign(
    ownServers(account),
    {
      ready: async (message) => await (await load()).readyFor(account, message),
      tools: (message) =>
        termsOf(message).rights === "own accounts"
          ? loaded?.toolsFor(account, message) ?? []
          : inOthers(),
    } satisfies ReturnType<typeof ownServers>,
  );
  return {
    start: () => void (inOthers().length > 0 && load().catch(() => {})), // it ends old sign-ins
    stop: async () => await loaded?.peoplesLogins.stop(account),
  };
}
