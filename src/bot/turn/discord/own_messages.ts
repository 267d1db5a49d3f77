/**
 * Decides for whom the bot changes its own messages, and edits them (T4).
 *
 * At Discord, people delete messages of others only with Manage Messages. A message of the bot belongs
 * to the person whom it answers.
 *
 * @module
 */

import type { AccountId, MessageId, UserId } from "../../../core/discord/ids.ts";
import type { PostOutcome } from "../../../core/outbound/outbound.ts";
import type { DiscordCall } from "../../../core/turn/ports/discord.ts";
import { createMessages } from "../../../discord/rest/calls/messages.ts";
import type { SingleReads } from "../../../discord/rest/calls/single_message.ts";
import type { RestApi } from "../../../discord/rest/client/client.ts";
import { explainCode } from "../../../discord/rest/permissions/denial.ts";
import type { Outgoing } from "./outgoing.ts";
import type { Found, Origin, Targets, ToolTarget } from "./targets/targets.ts";
import { badArguments } from "../../../core/refused_call.ts";
import type { AnsweredPeople } from "../../../core/store/inbox.ts";

/** Whether a message of the bot answers each person who asks. */
export type IsAnswerTo = (origin: Origin, messageId: MessageId) => Promise<boolean>;

/** The sources of {@link IsAnswerTo}. */
export interface IsAnswerToOptions extends AnsweredPeople {
  /** The account. */
  readonly accountId: AccountId;
}

/** Creates an {@link IsAnswerTo}. */
export function createIsAnswerTo({ accountId, askerOf }: IsAnswerToOptions): IsAnswerTo {
  return async ({ askers }, messageId) => {
    const answered = await askerOf(accountId, messageId);
    return answered !== undefined && askers.every(({ userId }) => userId === answered);
  };
}

/** The dependencies of editing. */
export interface EditOptions {
  /** Sends requests to Discord. */
  readonly client: RestApi;
  /** Reads single messages. */
  readonly reads: Pick<SingleReads, "message">;
  /** Checks the target of a call. */
  readonly targets: Pick<Targets, "assertMay">;
  /** The bot's user id; `undefined` until it is known. */
  readonly self: () => UserId | undefined;
  /** Whether a message of the bot answers a person. */
  readonly isAnswerTo: IsAnswerTo;
  /** Makes the messages of a text. */
  readonly composed: Outgoing["composed"];
}

/** A message to edit, in a place whose rights are checked. */
export interface Edit {
  /** The target that the call names. */
  readonly target: ToolTarget;
  /** The target, with its guild and channel. */
  readonly found: Found;
  /** The message that caused the call, and its askers. */
  readonly origin: Origin;
  /** The bot's message. */
  readonly messageId: MessageId;
  /** The text. */
  readonly text: string;
}

/** Creates the editing of one account. */
export function createEdit(
  { client, reads, targets, self, isAnswerTo, composed }: EditOptions,
): (call: DiscordCall, edit: Edit) => Promise<void> {
  const messages = createMessages(client);
  return async (call, edit) => {
    const { target, found, origin, messageId, text } = edit;
    const { authorId, hasControls } = await reads.message(target.channelId, messageId);
    if (authorId !== self()) throw badArguments("you can edit only your own messages");
    if (!await isAnswerTo(origin, messageId)) {
      await targets.assertMay(origin, found, ["Manage Messages"]);
    }
    // Its buttons would stay, and a person would decide by another text (SEC-R20).
    if (hasControls) throw badArguments("a message with buttons cannot be edited");
    const [first, ...others] = composed(call, text, target);
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
