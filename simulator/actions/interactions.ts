/**
 * Simulates uses of components and slash commands, and takes their application's answers.
 *
 * An interaction may be answered once, within three seconds, by its token; a bot token is not
 * needed. A later answer gets "unknown interaction", and the person sees that the interaction
 * failed.
 *
 * @see {@link https://docs.discord.com/developers/interactions/receiving-and-responding}
 */

import type { ChannelId, UserId } from "../../src/core/discord/ids.ts";
import type { MessageDraft, MessageEdit } from "./draft.ts";
import { findMessage } from "./history.ts";
import { editMessage, postMessage } from "./messages.ts";
import { usableIn } from "../world/components.ts";
import type { Modal } from "../world/modals.ts";
import { type Outcome, refuse, refuseForm } from "../world/refusals.ts";
import { nextId } from "../world/snowflake.ts";
import type {
  Application,
  Interaction,
  InteractionAnswer,
  InteractionSubject,
  Message,
  Opaque,
  World,
  WorldEvent,
} from "../world/world.ts";

/** Flag of a message that only one person sees. */
const EPHEMERAL = 1 << 6;

/** Number of remembered interactions; Discord keeps their tokens for 15 minutes. */
const KEPT = 10_000;

/** An application's answer, parsed. */
export type Callback =
  | { readonly kind: "reply"; readonly draft: MessageDraft }
  | { readonly kind: "update"; readonly edit: MessageEdit }
  | { readonly kind: "modal"; readonly modal: Modal }
  | { readonly kind: "suggest"; readonly choices: readonly Opaque[] }
  | { readonly kind: "defer"; readonly isEphemeral: boolean; readonly isUpdate: boolean };

/** A person presses a button of a bot's message. */
export function pressButton(
  world: World,
  channelId: string,
  messageId: string,
  presser: UserId,
  customId: string,
  now: number,
): Outcome<Interaction> {
  const found = findSeen(world, channelId, messageId, presser);
  if (found.kind === "refused") return found;
  const { message } = found;
  const application = applicationOf(world, message);
  const button = usableIn(message.components).find(({ custom_id: own }) => own === customId);
  if (!application || button?.type !== 2 || button.disabled) {
    return refuseForm({
      path: ["data"],
      code: "COMPONENT_VALIDATION_FAILED",
      message: `There is no button ${customId} that can be pressed`,
    });
  }
  const subject = { kind: "button", message, button } as const;
  return begun(world, application, presser, message.channelId, subject, now);
}

/** A person chooses options of a menu below a bot's message, by their labels. */
export function chooseOptions(
  world: World,
  on: { readonly channelId: string; readonly messageId: string; readonly customId: string },
  chooser: UserId,
  labels: readonly string[],
  now: number,
): Outcome<Interaction> {
  const found = findSeen(world, on.channelId, on.messageId, chooser);
  if (found.kind === "refused") return found;
  const { message } = found;
  const application = applicationOf(world, message);
  const menu = usableIn(message.components).find(({ custom_id: own }) => own === on.customId);
  const values = menu?.type === 3
    ? menu.options.filter(({ label }) => labels.includes(label)).map(({ value }) => value)
    : [];
  const fits = menu?.type === 3 && !menu.disabled && values.length === labels.length &&
    values.length >= menu.min_values && values.length <= menu.max_values;
  if (!application || menu?.type !== 3 || !fits) {
    return refuseForm({
      path: ["data"],
      code: "COMPONENT_VALIDATION_FAILED",
      message: `There is no menu ${on.customId} with ${labels.length} such options`,
    });
  }
  const subject = { kind: "select", message, menu, values } as const;
  return begun(world, application, chooser, message.channelId, subject, now);
}

/** Finds a message that a person sees, also one for that person alone. */
function findSeen(world: World, channelId: string, messageId: string, userId: UserId) {
  const message = ephemeralMessagesTo(world, userId).find(({ id }) => id === messageId);
  return message
    ? { kind: "found", message } as const
    : findMessage(world, channelId, messageId, userId);
}

/** A command as a person gives it. */
export interface GivenCommand {
  readonly name: string;
  readonly options?: readonly Opaque[];
  /** The person still types: the option in focus has `focused`. */
  readonly isTyping?: true;
  /** The message whose menu has the command. */
  readonly target?: Message;
  /** The person has installed the bot, and the place has not. */
  readonly isOwnInstall?: true;
}

/** A person gives a command that the application has registered. */
export function giveCommand(
  world: World,
  application: Application,
  channelId: ChannelId,
  userId: UserId,
  { name, options = [], ...more }: GivenCommand,
  now: number,
): Outcome<Interaction> {
  const channel = world.channels.get(channelId);
  const guildId = channel && "guildId" in channel ? channel.guildId : undefined;
  const all = [...application.commands, ...application.guildCommands.get(guildId ?? "") ?? []];
  const command = all.find((command) =>
    command.name === name && (command.type === 3) === (more.target !== undefined)
  );
  if (!command) return refuse("unknownInteraction");
  const subject = { kind: "command", command, options, ...more } as const;
  return begun(world, application, userId, channelId, subject, now);
}

export function begun(
  world: World,
  { id: applicationId }: Application,
  userId: UserId,
  channelId: ChannelId,
  subject: InteractionSubject,
  now: number,
): Outcome<Interaction> {
  const id = nextId<"interaction">(world.ids, now);
  const interaction: Interaction = {
    id,
    token: btoa(`interaction:${id}:not-a-secret-the-simulator-made-it`).replaceAll("=", ""),
    applicationId,
    userId,
    channelId,
    subject,
    at: now,
    followUps: [],
  };
  world.interactions.set(id, interaction);
  for (const oldest of world.interactions.keys()) {
    if (world.interactions.size <= KEPT) break;
    world.interactions.delete(oldest);
  }
  return {
    kind: "done",
    value: interaction,
    events: [{ kind: "interaction_created", interaction }],
  };
}

/** Answers an interaction: with a message, with a change of the button's message, or later. */
export function answerInteraction(
  world: World,
  { id, token }: { readonly id: string; readonly token: string },
  callback: Callback,
  now: number,
): Outcome<Interaction> {
  const interaction = world.interactions.get(id);
  if (!interaction) return refuse("unknownInteraction");
  if (interaction.token !== token) return refuse("wrongInteractionToken");
  if (interaction.answer) return refuse("alreadyAcknowledged");
  if (now - interaction.at > world.interactionMs) return refuse("unknownInteraction");
  const userId = world.applications.get(interaction.applicationId)?.userId;
  if (!userId) return refuse("unknownInteraction");
  const answered = (answer: InteractionAnswer, events: readonly WorldEvent[] = []) => {
    interaction.answer = answer;
    return { kind: "done" as const, value: interaction, events };
  };

  const isTyping = interaction.subject.kind === "command" && interaction.subject.isTyping === true;
  if (isTyping !== (callback.kind === "suggest")) return refuse("unknownInteraction");
  switch (callback.kind) {
    case "suggest":
      return answered({ kind: "suggested", choices: callback.choices });
    case "defer": {
      const { isUpdate, isEphemeral } = callback;
      if (isUpdate && interaction.subject.kind === "command") return refuse("unknownInteraction");
      if (isUpdate) interaction.defersUpdate = true;
      return answered({ kind: "deferred", isEphemeral });
    }
    case "update": {
      const { channelId, subject } = interaction;
      if (subject.kind === "command" || !subject.message) return refuse("unknownInteraction");
      const { message: { id: messageId } } = subject;
      const edited = editMessage(world, channelId, messageId, userId, callback.edit, now);
      if (edited.kind === "refused") return edited;
      return answered({ kind: "updated", message: edited.value }, edited.events);
    }
    case "modal":
      if (interaction.subject.kind === "modal") return refuse("unknownInteraction");
      return answered({ kind: "modal", modal: callback.modal });
    case "reply": {
      if (callback.draft.flags & EPHEMERAL) {
        const message = whispered(world, interaction, userId, callback.draft, now);
        return answered({ kind: "replied", message, isEphemeral: true });
      }
      const author = { kind: "user", userId } as const;
      const posted = postMessage(world, interaction.channelId, author, callback.draft, now);
      if (posted.kind === "refused") return posted;
      const { message } = posted.value;
      return answered({ kind: "replied", message, isEphemeral: false }, posted.events);
    }
  }
}

/** Interactions without an answer in time: the person sees that they failed. */
export function failedInteractions(world: World, now: number): readonly Interaction[] {
  return [...world.interactions.values()].filter(({ answer, at }) =>
    !answer && now - at > world.interactionMs
  );
}

/** Ephemeral messages for this person, in order. */
export function ephemeralMessagesTo(world: World, userId: UserId): readonly Message[] {
  return [...world.interactions.values()].flatMap((interaction) =>
    interaction.userId === userId ? whispersOf(interaction) : []
  );
}

export function whispersOf({ answer, followUps }: Interaction): readonly Message[] {
  return answer?.kind === "replied" && answer.isEphemeral
    ? [answer.message, ...followUps]
    : followUps;
}

/** A message outside any channel: no history has it, and no other client gets it. */
export function whispered(
  world: World,
  { channelId, subject }: Interaction,
  userId: UserId,
  { content, embeds, components, flags, isTts }: MessageDraft,
  now: number,
): Message {
  return {
    id: nextId<"message">(world.ids, now),
    channelId,
    author: { kind: "user", userId },
    content: content.trim(),
    ...(subject.kind !== "command" && subject.message && {
      reference: { kind: "reply" as const, messageId: subject.message.id, channelId },
    }),
    pings: { users: [], roles: [], everyone: false },
    attachments: [],
    embeds,
    components,
    flags,
    isTts,
    reactions: new Map(),
  };
}

function applicationOf(world: World, { author }: Message): Application | undefined {
  if (author.kind !== "user") return undefined;
  return [...world.applications.values()].find(({ userId }) => userId === author.userId);
}
