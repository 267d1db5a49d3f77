/**
 * Explains stored decisions to the people who wrote the messages (P1), and forgets a person (X5).
 *
 * `barnacle why` shows the operator each check. In Discord, people see the reason and the rule, and
 * nothing about other people's messages.
 */

import type { Account } from "../../core/account/account.ts";
import type { MessageId, UserId } from "../../core/discord/ids.ts";
import { isOwnSession } from "../../core/inbound/inbound.ts";
import type { CommandCall } from "../../core/inbound/interactions.ts";
import type { Store } from "../../store/store.ts";
import { reasonText } from "../../render/reasons.ts";

/**
 * Creates the explanation for `/why`: `undefined` if there is no record that the asker may see.
 *
 * @param isOwner Whether the asker is an owner of the bot, who may ask about every message.
 * @param receiptsOf The line of the effects of a message's turn (R15a); `undefined`: it had none.
 */
export function createWhy(
  { messages }: Pick<Store, "messages">,
  isOwner: (call: CommandCall) => Promise<boolean>,
  receiptsOf: (messageId: MessageId, place: CommandCall) => Promise<string | undefined>,
): (call: CommandCall, messageId: MessageId) => Promise<string | undefined> {
  return async (call, messageId) => {
    const record = await messages.messageRecordOf({ messageId });
    const decision = record?.decisions.findLast(({ accountId }) => accountId === call.accountId);
    if (!record || !decision) return undefined;
    const isTheirs = decision.authorId === call.sender.id && decision.channelId === call.channelId;
    if (!isTheirs && !await isOwner(call)) return undefined;
    const { verdict, why, rule } = decision;
    const { turn } = record;
    const lines = [`**${verdict}**: ${reasonText(why)} (\`${rule}\`)`];
    if (turn) {
      const reason = turn.failureId === undefined ? "" : ` (\`${turn.failureId}\`)`;
      lines.push(`Turn: ${turn.state}${reason}`);
      if (isOwnSession(turn.sessionKey)) lines.push("Private: it reads the person's own account");
    }
    const receipts = turn && await receiptsOf(turn.turnOf ?? messageId, call);
    if (receipts !== undefined) lines.push(`Receipts: ${receipts}`);
    const unsent = record.outbox.find(({ reason }) => reason !== undefined);
    if (unsent?.reason !== undefined) lines.push(`Delivery: ${unsent.state}: ${unsent.reason}`);
    return lines.join("\n").slice(0, MAX_LENGTH);
  };
}

const MAX_LENGTH = 1_900;

/** Milliseconds until the file is written anew, and between two times. */
const VACUUM_AFTER_MS = 60_000;

/** Maximum number of tries: another process may read the file. */
const MAX_TRIES = 10;

/**
 * Creates the removal of everything that is stored of a person for `/forget` (X5). While a turn of
 * theirs is open, it removes nothing.
 *
 * Writing the file anew removes deleted texts from free pages. It blocks all other work, so it comes
 * later, and once for several people.
 */
export function createForget(
  { store: { forgetting }, schedule, log }: Pick<
    Account<Pick<Store, "forgetting">>,
    "store" | "schedule" | "log"
  >,
  forgetFiles: (userId: UserId) => Promise<void>,
): (id: UserId) => Promise<"forgotten" | "open turns"> {
  let isDue = false;

  function vacuumLater(triesLeft = MAX_TRIES): void {
    if (isDue) return;
    isDue = true;
    schedule(() => {
      isDue = false;
      vacuum().catch((error: unknown) => {
        log.warn("Cannot write the store anew after a person was forgotten", { error, triesLeft });
        if (triesLeft > 0) vacuumLater(triesLeft - 1);
      });
    }, VACUUM_AFTER_MS);
  }

  async function vacuum(): Promise<void> {
    if (await forgetting.isVacuumDue()) await forgetting.vacuum(); // another account may have done it
  }

  vacuumLater(); // a restart may have come before it

  return async (id) => {
    const forgotten = await forgetting.forget(id, true);
    if (forgotten === "open turns") return "open turns";
    await forgetFiles(id);
    vacuumLater();
    return "forgotten";
  };
}
