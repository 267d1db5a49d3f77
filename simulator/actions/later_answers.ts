/**
 * Takes the answers that an application gives after the first one, through the interaction's webhook.
 *
 * @see {@link https://docs.discord.com/developers/interactions/receiving-and-responding#followup-messages}
 */

import type { UserId } from "../../src/core/discord/ids.ts";
import { type Outcome, refuse } from "../world/refusals.ts";
import type { Interaction, Message, World } from "../world/world.ts";
import type { MessageDraft, MessageEdit } from "./draft.ts";
import { whispered, whispersOf } from "./interactions.ts";
import { editMessage, postMessage } from "./messages.ts";

export interface InteractionWebhook {
  readonly applicationId: string;
  readonly token: string;
}

/** Finds an interaction that has its first answer, with the bot's user id. */
export function acknowledged(
  world: World,
  { applicationId, token }: InteractionWebhook,
): { readonly interaction: Interaction; readonly userId: UserId } | undefined {
  const interaction = [...world.interactions.values()].find((interaction) =>
    interaction.token === token && interaction.applicationId === applicationId
  );
  const userId = interaction && world.applications.get(interaction.applicationId)?.userId;
  return interaction?.answer && userId ? { interaction, userId } : undefined;
}

/** Gives a deferred answer, or changes an earlier one. */
export function completeInteraction(
  world: World,
  webhook: InteractionWebhook,
  draft: MessageDraft,
  now: number,
): Outcome<Message> {
  const { interaction, userId } = acknowledged(world, webhook) ?? {};
  if (!interaction?.answer || !userId) return refuse("unknownWebhook");
  const { answer } = interaction;
  const isEphemeral = "isEphemeral" in answer && answer.isEphemeral;
  if (isEphemeral) {
    const message = whispered(world, interaction, userId, draft, now);
    interaction.answer = { kind: "replied", message, isEphemeral };
    return { kind: "done", value: message, events: [] };
  }
  const author = { kind: "user", userId } as const;
  const posted = postMessage(world, interaction.channelId, author, draft, now);
  if (posted.kind === "refused") return posted;
  const { message } = posted.value;
  interaction.answer = { kind: "replied", message, isEphemeral };
  return { kind: "done", value: message, events: posted.events };
}

/** Removes a deferred answer of a command or form: the person sees "is thinking" no longer. */
export function withdrawAnswer(world: World, webhook: InteractionWebhook): Outcome<undefined> {
  const { interaction } = acknowledged(world, webhook) ?? {};
  if (interaction?.answer?.kind !== "deferred") return refuse("unknownWebhook");
  interaction.answer = { kind: "withdrawn" };
  return { kind: "done", value: undefined, events: [] };
}

/** Changes the message of the component, whose change was deferred. */
export function updateComponentMessage(
  world: World,
  webhook: InteractionWebhook,
  edit: MessageEdit,
  now: number,
): Outcome<Message> {
  const { interaction, userId } = acknowledged(world, webhook) ?? {};
  if (!interaction || !userId) return refuse("unknownWebhook");
  const { channelId, subject } = interaction;
  if (subject.kind === "command" || !subject.message) return refuse("unknownWebhook");
  const { id } = subject.message;
  for (const told of world.interactions.values()) {
    const whisper = whispersOf(told).find((one) => one.id === id);
    if (!whisper) continue;
    const { content = "", components = [] } = edit;
    const message = { ...whisper, content: content.trim(), components };
    replaceWhisper(told, whisper, message);
    interaction.answer = { kind: "updated", message };
    return { kind: "done", value: message, events: [] };
  }
  const edited = editMessage(world, channelId, subject.message.id, userId, edit, now);
  if (edited.kind === "done") interaction.answer = { kind: "updated", message: edited.value };
  return edited;
}

/** Sends a message after the first answer, for the person alone. */
export function followUp(
  world: World,
  webhook: InteractionWebhook,
  draft: MessageDraft,
  now: number,
): Outcome<Message> {
  const { interaction, userId } = acknowledged(world, webhook) ?? {};
  if (!interaction || !userId) return refuse("unknownWebhook");
  const message = whispered(world, interaction, userId, draft, now);
  if (interaction.answer?.kind === "deferred") {
    interaction.answer = { kind: "replied", message, isEphemeral: true };
  } else interaction.followUps.push(message);
  return { kind: "done", value: message, events: [] };
}

/** Changes the text of a message that {@link followUp} has sent. */
export function changeFollowUp(
  world: World,
  webhook: InteractionWebhook,
  messageId: string,
  draft: MessageDraft,
): Outcome<Message> {
  const { interaction } = acknowledged(world, webhook) ?? {};
  if (!interaction) return refuse("unknownWebhook");
  const message = whispersOf(interaction).find(({ id }) => id === messageId);
  if (!message) return refuse("unknownMessage");
  const changed = { ...message, content: draft.content.trim() };
  replaceWhisper(interaction, message, changed);
  return { kind: "done", value: changed, events: [] };
}

function replaceWhisper(interaction: Interaction, message: Message, changed: Message): void {
  const at = interaction.followUps.indexOf(message);
  if (at >= 0) interaction.followUps[at] = changed;
  else interaction.answer = { kind: "replied", message: changed, isEphemeral: true };
}
