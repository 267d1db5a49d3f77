/**
 * Tells which calls of the tool `discord` are destructive, for their limit (T3), and which read a
 * channel other than the turn's own.
 *
 * The asker may read that channel, but others in this conversation perhaps not. So later turns do
 * not see the result (SEC-R4).
 */

import type { ToolTarget, WaitingAction } from "../../core/turn/discord_place.ts";
import { z } from "zod";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import { parseTarget } from "../../core/outbound/target.ts";
import { messageLink } from "../../core/turn/discord_place.ts";
import type { CallEffect, OpenCall } from "../../core/turn/tool.ts";
import { type Action, FIELDS } from "./actions/action.ts";

/** The channel and the message of a link; `undefined` for another text. */
function linkedMessage(written: unknown) {
  if (typeof written !== "string" || !written.includes("/channels/")) return undefined;
  const target = parseTarget(written);
  return target.kind === "channel" && target.messageId ? target : undefined;
}

/** Arguments that name a message of the call's channel. */
const MESSAGES = ["messageId", "around", "before", "after", "replyTo"];

/**
 * The arguments of a call, with the channel of a message that it names by a link. For an action on all
 * channels, the message is only a point in time, and a direct message goes to its person.
 */
function withLinkedChannel(
  action: Action | undefined,
  written: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  if (action?.reads === "everywhere") return written;
  for (const name of MESSAGES) {
    const isDirect = name === "replyTo" && typeof written["userId"] === "string";
    const linked = isDirect ? undefined : linkedMessage(written[name]);
    if (linked) return { ...written, channelId: linked.channelId, [name]: linked.messageId };
  }
  return written;
}

/**
 * The arguments for an action: without null, which some models write for those that they leave out,
 * and without this place, which is the default of all actions, also of those that take none.
 */
export function argumentsFor(
  action: Action,
  written: Readonly<Record<string, unknown>>,
  { channelId, guildId }: InboundMessage,
): Readonly<Record<string, unknown>> {
  const here: Readonly<Record<string, unknown>> = { channelId, guildId };
  const isMeant = ([key, value]: readonly [string, unknown]) =>
    value !== null && (key in action.input.shape || value !== here[key]);
  return Object.fromEntries(Object.entries(withLinkedChannel(action, written)).filter(isMeant));
}

/**
 * Whether a call replies to a message of one channel, and names another channel for the reply.
 * Discord would post it without its reply.
 */
export function repliesElsewhere(written: Readonly<Record<string, unknown>>): boolean {
  const linked = linkedMessage(written["replyTo"]);
  const named = FIELDS.channelId.safeParse(written["channelId"]).data;
  return linked !== undefined && named !== undefined && named !== linked.channelId;
}

const withChannel = z.looseObject({ channelId: FIELDS.channelId });

/** Whether the arguments of a call name another channel. In direct messages, there are no others. */
export function readsElsewhere(written: unknown, { place, channelId }: InboundMessage): boolean {
  if (place.kind === "dm") return false;
  const parsed = withChannel.safeParse(written);
  return parsed.success && parsed.data.channelId !== channelId;
}

/**
 * As {@link readsElsewhere}, for a call of the tool `discord`.
 *
 * @param action Its action; an unknown one counts as one that reads its channel.
 */
export function actionReadsElsewhere(
  action: Action | undefined,
  written: unknown,
  message: InboundMessage,
): boolean {
  if (action?.reads === "everywhere") return message.place.kind !== "dm";
  const given = withLinkedChannel(action, Object(written));
  return !showsNothing(action) && readsElsewhere(given, message);
}

/** Whether the result of an action shows nothing of Discord; an unknown one may show something. */
export function showsNothing(action: Action | undefined): boolean {
  return action !== undefined && action.seenAt !== "nowhere";
}

/** Whether a call changes something that people may want back. A dry run does not. */
export function isDestructive(
  action: Action | undefined,
  { dryRun }: Readonly<Record<string, unknown>>,
): boolean {
  return action?.undo !== undefined && dryRun !== true;
}

/**
 * The destructive actions of calls of the tool `discord`, in order.
 *
 * @param probe Runs such a call as a probe.
 */
export function destructiveOf(
  open: readonly OpenCall[],
  message: InboundMessage,
  actionOf: (name: unknown) => Action | undefined,
  probe: (given: Readonly<Record<string, unknown>>, callKey: string) => Promise<unknown>,
): readonly WaitingAction[] {
  return open.flatMap(({ callKey, name, arguments: written }) => {
    const given = name === "discord" ? recordOf(written) : undefined;
    const action = given && actionOf(given["action"]);
    if (!given || !action || !isDestructive(action, given)) return [];
    return [{
      callKey,
      named: namedBy(action, given, message),
      probe: () => probe(given, callKey),
    }];
  });
}

/** Participles by the verbs in the names of actions. */
const DID: Readonly<Record<string, string>> = {
  ...{ add: "added", ban: "banned", create: "created", delete: "deleted", edit: "edited" },
  ...{ end: "ended", forward: "forwarded", kick: "kicked", move: "moved", pin: "pinned" },
  ...{ react: "changed", remove: "removed", send: "sent", set: "set", timeout: "timed out" },
  ...{ unban: "unbanned", undo: "undone", unpin: "unpinned", upload: "uploaded" },
};
/** Objects of verbs that are the whole name of an action. */
const OBJECTS: Readonly<Record<string, string>> = { react: "reaction", undo: "change" };

/** An action in words, from its name: `roleAdd` is "role added", and `poll` is "poll sent". */
export function effectOf(
  action: Action,
  given: Readonly<Record<string, unknown>>,
  message: ToolTarget,
): CallEffect {
  const words = action.name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`).split(" ");
  const verb = words.find((word) => DID[word] !== undefined) ?? "send";
  const object = words.filter((word) => word !== verb).join(" ") || (OBJECTS[verb] ?? "member");
  return { object, did: DID[verb] ?? "sent", links: namedBy(action, given, message) };
}

/** The parts of an effect that the result of an action tells: the things that it has made. */
export function effectIn(
  result: string,
  given: Readonly<Record<string, unknown>>,
  message: ToolTarget,
): Partial<CallEffect> {
  if (result.startsWith("Nothing to do")) return { isNone: true };
  const made = madeSchema.safeParse(recordOf(FLAT_OBJECT.exec(result)?.[0] ?? "")).data ?? {};
  const link = madeLink(made, FIELDS.guildId.safeParse(given["guildId"]).data ?? message.guildId);
  return { ...link !== undefined && { links: [link] }, ...made.stored && { waits: made.stored } };
}

/** The object at the beginning of a result. Words about the undo may follow. */
const FLAT_OBJECT = /^\{(?:"(?:[^"\\]|\\.)*"|[^"{}])*\}/;

/** The things that a call has made, as its result names them. */
const madeSchema = z.object({
  stored: z.array(z.number()).optional(),
  guildId: FIELDS.guildId.optional(),
  channelId: FIELDS.channelId.optional(),
  messageIds: z.array(FIELDS.messageId).optional(),
  threadId: FIELDS.channelId.optional(),
  eventId: FIELDS.channelId.optional(),
});

/** @param inGuild The guild of the call. */
function madeLink(
  { stored, guildId, channelId, messageIds: [id] = [], threadId, eventId }: z.infer<
    typeof madeSchema
  >,
  inGuild: string | undefined,
): string | undefined {
  if (threadId) return `<#${threadId}>`;
  if (eventId && inGuild) return `https://discord.com/events/${inGuild}/${eventId}`;
  if (id === undefined) return channelId && !stored ? `<#${channelId}>` : undefined;
  // A direct message has no server, and gets no link.
  return guildId && channelId && messageLink({ guildId, channelId, id });
}

/**
 * The things that a call names, as Discord shows them to each reader: with their names, if the reader
 * may see them. A message is a link if its server is known.
 */
function namedBy(
  action: Action | undefined,
  written: Readonly<Record<string, unknown>>,
  message: ToolTarget,
): readonly string[] {
  const given = withLinkedChannel(action, written);
  const idOf = <Id>(name: string, field: z.ZodType<Id>) => field.safeParse(given[name]).data;
  const { channelId = message.channelId } = withChannel.safeParse(given).data ?? {};
  const id = idOf("messageId", FIELDS.messageId);
  const [user, role] = [idOf("userId", FIELDS.userId), idOf("roleId", FIELDS.roleId)];
  const isLinked = id !== undefined && (message.guildId || channelId === message.channelId);
  const isOfChannel = !isLinked && given["channelId"] !== undefined;
  return [
    ...isLinked ? [messageLink({ guildId: message.guildId, channelId, id })] : [],
    ...isOfChannel ? [`<#${channelId}>`] : [],
    ...user === undefined ? [] : [`<@${user}>`],
    ...role === undefined ? [] : [`<@&${role}>`],
  ];
}

function recordOf(written: string): Readonly<Record<string, unknown>> | undefined {
  try {
    return Object(JSON.parse(written));
  } catch {
    return undefined; // the call fails, and tells the model
  }
}
