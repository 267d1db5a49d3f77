/**
 * Explains stored decisions in Discord, to the people who wrote the messages. `barnacle why` shows the
 * operator each check.
 */

import type { BotAccount } from "../../account/account.ts";
import type { MessageId } from "../../core/discord/ids.ts";
import { type CommandCall, isOwnSession } from "../../core/inbound/inbound.ts";
import { mayUse } from "../../flows/interactions/may_use.ts";
import { lineOf, storedReceipts } from "../../flows/receipts/receipts.ts";
import { reasonText } from "../../render/failure.ts";
import { TOOLS } from "../../tools/registry.ts";

const MAX_LENGTH = 1_900;

/**
 * Explains a message for `/why` (P1): people see the reason and the rule, and nothing about other
 * people's messages.
 *
 * @returns `undefined` if there is no record that the asker may see.
 */
export async function explain(
  account: BotAccount,
  call: CommandCall,
  messageId: MessageId,
): Promise<string | undefined> {
  const record = await account.store.messages.messageRecordOf({ messageId });
  const decision = record?.decisions.findLast(({ accountId }) => accountId === call.accountId);
  if (!record || !decision) return undefined;
  const isTheirs = decision.authorId === call.sender.id && decision.channelId === call.channelId;
  if (!isTheirs && !await mayUse(account, call, "owner")) return undefined;
  const { verdict, why, rule } = decision;
  const { turn } = record;
  const lines = [`**${verdict}**: ${reasonText(why)} (\`${rule}\`)`];
  if (turn) {
    const reason = turn.failureId === undefined ? "" : ` (\`${turn.failureId}\`)`;
    lines.push(`Turn: ${turn.state}${reason}`);
    if (isOwnSession(turn.sessionKey)) lines.push("Private: it reads the person's own account");
  }
  const receipts = turn &&
    lineOf(await storedReceipts(account, TOOLS, turn.turnOf ?? messageId, call));
  if (receipts !== undefined) lines.push(`Receipts: ${receipts}`);
  const unsent = record.outbox.find(({ reason }) => reason !== undefined);
  if (unsent?.reason !== undefined) lines.push(`Delivery: ${unsent.state}: ${unsent.reason}`);
  return lines.join("\n").slice(0, MAX_LENGTH);
}
