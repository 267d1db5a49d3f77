/**
 * Decides for whom the bot changes its own messages, and edits them (T4).
 *
 * At Discord, people delete messages of others only with Manage Messages, and edit none. A message of
 * the bot belongs to the person whom it answers.
 */

import type { MessageId } from "../../../core/discord/ids.ts";
import type { PostOutcome } from "../../../core/outbound/outbound.ts";
import type { DiscordCall, ToolTarget } from "../../../core/turn/ports/discord_call.ts";
import { createMessages } from "../requests/messages.ts";
import { createSingleReads } from "../requests/single_message.ts";
import { explainCode } from "../permissions/denial.ts";
import type { ActionsOptions, FoundTarget, Origin } from "./options.ts";
import type { Targets } from "./targets.ts";
import { badArguments } from "../../../core/refused_call.ts";

/** Creates the check whether a message of the bot answers each person who asks. */
export function createIsAnswerTo(
  { accountId, askerOf }: Pick<ActionsOptions, "accountId" | "askerOf">,
) {
  return async ({ askers }: Origin, messageId: MessageId) => {
    const answered = await askerOf(accountId, messageId);
    return answered !== undefined && askers.every(({ userId }) => userId === answered);
  };
}

export function createEdit(
  options: ActionsOptions & { readonly targets: Pick<Targets, "assertMay"> },
): (call: DiscordCall, edit: {
  readonly target: ToolTarget;
  readonly found: FoundTarget;
  /** The message that caused the call, and its askers. */
  readonly origin: Origin;
  readonly messageId: MessageId;
  readonly text: string;
}) => Promise<void> {
  const { client, targets, self, composed, accountId, askerOf } = options;
  const messages = createMessages(client);
  const reads = createSingleReads(client);
  return async (call, edit) => {
    const { target, found, origin, messageId, text } = edit;
    const { authorId, hasControls } = await reads.message(target.channelId, messageId);
    if (authorId !== self()) throw badArguments("you can edit only your own messages");
    // At Discord, no moderator edits the messages of others.
    const userId = await askerOf(accountId, messageId);
    await targets.assertMay(origin, found, [{ kind: "posted_for", userId }]);
    // Its buttons would stay, and a person would decide by another text (SEC-R20).
    if (hasControls) throw badArguments("a message with buttons cannot be edited");
    const [first, ...others] = composed(call, target, { text });
    if (!first || others.length > 0 || first.files.length > 0) {
      throw badArguments("`text` is longer than one message");
    }
    assertDone(await messages.edit(messageId, first.message, []));
  };
}

/** @throws {Error} If Discord has not carried the request out. */
function assertDone(outcome: PostOutcome): void {
  if (outcome.kind === "created") return;
  if (outcome.kind === "already_gone") {
    throw badArguments("there is no such message in that channel");
  }
  const code = outcome.kind === "refused" ? outcome.code : undefined;
  throw new Error((code === undefined ? undefined : explainCode(code)) ?? outcome.reason);
}
