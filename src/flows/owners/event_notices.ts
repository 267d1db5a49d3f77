/**
 * Tells the owners that an event of a server got no answer (W7): nothing is posted, as no person waits
 * for it. They hear of the first failure of an entry in a day.
 */

import type { BotAccount } from "../../account/account.ts";
import { hookText } from "../../core/hooks/hook.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import { tellOwners } from "./tell_owners.ts";

/** The turn of a message has failed. Messages of other kinds tell no one. */
export function tellFailedEvent(account: BotAccount, { id, origin }: InboundMessage): void {
  if (origin?.kind !== "event") return;
  const { hook } = origin;
  void tellOwners(
    account,
    `A turn of ${hookText(hook)} failed, so its event has no answer. To see why: ` +
      `\`barnacle why ${id}\`.`,
    { key: `event:${hook}`, isDaily: true },
  );
}
