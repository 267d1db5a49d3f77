/**
 * Decides for whom the bot changes its own messages, and edits them (T4).
 *
 * At Discord, people delete messages of others only with Manage Messages, and edit none. A message of
 * the bot belongs to the person whom it answers.
 */

import type { MessageId } from "../../core/discord/ids.ts";
import type { PostOutcome } from "../../core/outbound/outbound.ts";
import type { DiscordCall, ToolTarget } from "../../core/turn/ports/discord_call.ts";
import { createMessages } from "../../discord/rest/requests/messages.ts";
import { createSingleReads } from "../../discord/rest/requests/single_message.ts";
import { explainCode } from "../../discord/rest/permissions/denial.ts";
import type { FoundTarget, Origin } from "./options.ts";
import { composed } from "../deliver/tool_messages.ts";
import { assertMay } from "./targets.ts";
import { badArguments } from "../../core/refused_call.ts";

/** Whether a message of the bot answers each person who asks. */
export async function isAnswerTo(
  { account: { accountId, store }, askers }: Origin,
  messageId: MessageId,
): Promise<boolean> {
  const answered = await store.inbox.askerOf(accountId, messageId);
  return answered !== undefined && askers.every(({ userId }) => userId === answered);
}

export async function editOwn(call: DiscordCall, { target, found, origin, messageId, text }: {
  readonly target: ToolTarget;
  readonly found: FoundTarget;
  /** The message that caused the call, and its askers. */
  readonly origin: Origin;
  readonly messageId: MessageId;
  readonly text: string;
}): Promise<void> {
  const { accountId, reader, rest, store } = call.account;
  const reads = createSingleReads(rest);
  const { authorId, hasControls } = await reads.message(target.channelId, messageId);
  if (authorId !== reader.self?.userId) throw badArguments("you can edit only your own messages");
  // At Discord, no moderator edits the messages of others.
  const userId = await store.inbox.askerOf(accountId, messageId);
  await assertMay(origin, found, [{ kind: "posted_for", userId }]);
  // Its buttons would stay, and a person would decide by another text (SEC-R20).
  if (hasControls) throw badArguments("a message with buttons cannot be edited");
  const [first, ...others] = composed(call, target, { text });
  if (!first || others.length > 0 || first.files.length > 0) {
    throw badArguments("`text` is longer than one message");
  }
  assertDone(await createMessages(rest).edit(messageId, first.message, []));
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
