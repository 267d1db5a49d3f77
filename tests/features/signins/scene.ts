/** An account with one server at which each person signs in, and the files of their logins. */

import { join } from "node:path";
import type { UserId } from "../../../src/core/discord/ids.ts";
import type { InboundMessage } from "../../../src/core/inbound/inbound.ts";
import { type EachServer, toolsFor } from "../../../src/features/signins/own_servers.ts";
import { createLogins, createSealing, type Login } from "../../../src/mcp/oauth/provider.ts";
import { type Given, testAccount } from "../../support/bot/test_account.ts";
import { directMessage, sender } from "../../support/discord/builders.ts";
import { FakeClock } from "../../support/fake_clock.ts";

/** The server `cal` at an address. */
export const calAt = (url: string): EachServer => ({
  id: "cal",
  transport: { kind: "http", url, headers: {}, isEach: true },
});

/** No wait of it ends by a timer: a busy machine would have no tools in time. */
export async function signInsAccount(dataDir: string, url: string, given: Given = {}) {
  const scene = await testAccount({
    clock: new FakeClock(Date.now()),
    discord: { token: "token", dm: { policy: "open", allowFrom: ["*"] } },
    beside: { mcp: { servers: { cal: { url, login: "each" } } } },
    answer: ({ path }) => path === "/users/@me/channels" ? { id: "77" } : undefined,
    ...given,
  });
  const { account } = scene;
  Object.assign(account.bot, { dataDir });
  const folderOf = (id: UserId) => join(dataDir, "mcp", "own.logins", id, "default");
  const toolOf = (message: InboundMessage, name: string) =>
    toolsFor(account, message).find((tool) => tool.name === `mcp__cal__${name}`);
  return {
    ...scene,
    toolOf,
    fileOf: (id: UserId) => join(folderOf(id), "cal.login.json"),
    /** The message of a turn with the person's own account. */
    ownOf: (id: UserId) =>
      directMessage({ sender: sender({ id }), origin: { kind: "own", server: "cal" } }),
    /** A sign-in that has worked, as a turn has stored it. */
    keep: (id: UserId, login: Login) =>
      createLogins(folderOf(id), createSealing("token", id)).write("cal", login),
  };
}
