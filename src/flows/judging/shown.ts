/** Shows messages of Discord to the model, if the policy lets it see them (H3, H6). */

import type { BotAccount } from "../../account/account.ts";
import type { RawMessage, ShownMessage, ShownPlace } from "../../core/turn/discord_place.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import { showMessage } from "../../discord/gateway/decode/decode.ts";
import { recall } from "./judge.ts";

/**
 * Messages addressed to the bot are context too, answered or not. Undecided ones are left out,
 * since Barnacle fetches no missing fact here. So the model sees no PluralKit messages from before
 * the start.
 */
export function mayBeSeen(account: BotAccount, message: InboundMessage): boolean {
  const verdict = recall(account, message);
  return verdict.kind === "accept" || (verdict.kind === "ignore" && verdict.keepAsContext);
}

export function show(
  account: BotAccount,
  raw: RawMessage,
  place: ShownPlace,
): Promise<ShownMessage | undefined> {
  const { accountId, reader, store } = account;
  const maySee = (message: InboundMessage) => mayBeSeen(account, message);
  return showMessage(raw, place, { accountId, reader, maySee, footerOf: store.outbox.footerOf });
}

/** Shows messages, without those that the model may not see. */
export async function showAll(
  account: BotAccount,
  raw: readonly RawMessage[],
  place: ShownPlace,
): Promise<readonly ShownMessage[]> {
  const shown = await Promise.all(raw.map((one) => show(account, one, place)));
  return shown.filter((one) => one !== undefined);
}
