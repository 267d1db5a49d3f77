/**
 * Tells the owners that an event of a server got no answer (W7): nothing is posted, as no person waits
 * for it. They hear of the first failure of an entry in a day.
 */

import type { BotAccount } from "../../account/account.ts";
import { perAccount } from "../../account/per_account.ts";
import { hookText } from "../../core/hooks/hook.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import { DAY_MS } from "../../lib/clock.ts";
import { tellOwners } from "./tell_owners.ts";

/** Unix times in milliseconds, by entry. */
const toldOf = perAccount("delivery", () => new Map<string, number>());

/** The turn of a message has failed. Messages of other kinds tell no one. */
export function tellFailedEvent(account: BotAccount, { id, origin }: InboundMessage): void {
  if (origin?.kind !== "event") return;
  const { hook } = origin;
  const told = toldOf(account);
  const at = account.now();
  if (at - (told.get(hook) ?? -Infinity) < DAY_MS) return;
  told.set(hook, at);
  void tellOwners(
    account,
    `A turn of ${hookText(hook)} failed, so its event has no answer. To see why: ` +
      `\`barnacle why ${id}\`.`,
  );
}
