/**
 * Gives unpaired senders a pairing code, and tells the owners about them (P3).
 *
 * Code and reply are made within the transaction that stores the message. Owners get their message
 * afterwards. Until then, the stored request says so, and a process that starts after a crash tells
 * them. So does a reload, whose config may name owners who can be told.
 */

import type { BotAccount } from "../../account/account.ts";
import { type Loop, loop, perAccount, wakeChannels } from "../../account/per_account.ts";
import { codeFrom, type PairingRequest, type PairingService } from "../../core/inbound/pairing.ts";
import { isFinalRefusal } from "../../discord/rest/exchange/rest_error.ts";
import { pairingButton } from "../../interactions/components.ts";
import { composeApprovalRequest, composeChallenge } from "../../render/pairing.ts";
import { reachOwners } from "../owners/tell_owners.ts";
import { createRetryQueue } from "../retry_queue.ts";

/** Routes presses to the pairing button. The rest of an id is random and means nothing. */
const BUTTON_PREFIX = `${pairingButton.name}:`;
const CODE_BYTES = 8;
/** 128 bits. */
const BUTTON_BYTES = 16;

/** The part of pairing that the store calls within its transaction. */
export function pairingService({ draw }: { readonly draw: BotAccount["draw"] }): PairingService {
  return {
    newCode: () => codeFrom(draw(CODE_BYTES)),
    newButton: () => BUTTON_PREFIX + draw(BUTTON_BYTES).toHex(),
    challenge: (message, code) => composeChallenge(message, code),
  };
}

/** Requests that owners know, while only the store does not: they get no second message. */
const told = perAccount("pairing", () => new Set<number>());

/** Tells owners of requests, those of the last process first. */
export const approvals: Loop<{ add(request: PairingRequest): void }> = loop(
  "pairing",
  (account) => {
    const { accountId, store, now } = account;
    const retries = createRetryQueue(
      "Cannot tell the bot's owner about a pairing request",
      account,
    );
    const add = (request: PairingRequest) => retries.add(() => tellOwners(account, request));
    retries.add(async () => (await store.pairing.unreported(accountId, now())).forEach(add));
    return { add, stop: retries.stop };
  },
);

async function tellOwners(account: BotAccount, request: PairingRequest): Promise<void> {
  const { store, now, log } = account;
  const { id, userId, expiresAt } = request;
  if (now() >= expiresAt) return;
  const { text, buttons } = composeApprovalRequest(request);
  try {
    if (!told(account).has(id)) await reachOwners(account, text, { buttons });
  } catch (error) {
    if (!isFinalRefusal(error)) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    log.error("No owner can be told about a pairing request: see `barnacle pairing list`", {
      userId,
      reason,
    });
    return;
  }
  told(account).add(id);
  await store.pairing.markReported(id);
  told(account).delete(id);
}

/** Unpaired senders got a code just now: it is on its way, and owners get to know of it. */
export function challenged(account: BotAccount, requests: readonly PairingRequest[]): void {
  const { log } = account.forPart("pairing");
  wakeChannels(account, requests.map(({ channelId }) => channelId));
  for (const request of requests) {
    const { userId, username, messageId, expiresAt } = request;
    log.info("An unpaired sender got a pairing code: see `barnacle pairing list`", {
      userId,
      username,
      messageId,
      expiresAt: new Date(expiresAt).toISOString(),
    });
    approvals.of(account)?.add(request);
  }
}
