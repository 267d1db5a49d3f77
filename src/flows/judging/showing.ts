/** Decides which channels' words the answer to a message may show, by the rights of this moment (T4). */

import type { BotAccount } from "../../account/account.ts";
import { perAccount } from "../../account/per_account.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import type { Showing } from "../../core/turn/ports/discord_call.ts";
import { createTargets } from "../../discord/rest/actions/targets.ts";
import { isOwner } from "../owners/owner_ids.ts";
import { closedBy } from "./closed_by.ts";

const targets = perAccount("turns", (account) =>
  createTargets({
    client: account.rest,
    isOwner: (message) => isOwner(account, message),
    self: () => account.reader.self?.userId,
    alsoGuilds: () => [],
    closedBy: (asker, target) => closedBy(account, asker, target),
    sharesDirect: () => account.config().session.dmScope === "main",
    now: account.now,
  }));

export function showing(account: BotAccount, message: InboundMessage): ReturnType<Showing> {
  return targets(account).showing(message);
}
