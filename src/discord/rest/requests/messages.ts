/**
 * Reads, creates, edits and deletes messages. No other module does.
 *
 * The messages arrive frozen, with their nonce; this module knows only Discord's requests and
 * responses. A failure is an outcome, never thrown, because the outbox decides its consequence for
 * the message.
 *
 * These requests use only spare capacity: they leave at once or not at all.
 *
 * It also answers interactions, by their webhooks: the gateway's thread has acknowledged each but
 * suggestions. The token in the path is the only credential; it appears in no error and no metric.
 *
 * `readHistory` returns messages in Discord's own form, because one decoder reads the messages of
 * gateway and history. `readPosted` returns only the fields that identify a message of the bot.
 *
 * @see {@link https://docs.discord.com/developers/components/reference}
 */

import {
  type ButtonComponent,
  ButtonStyles,
  type InteractionResponse,
  InteractionResponseTypes,
  MessageComponentTypes,
  MessageFlags,
  type SelectMenuComponent,
} from "@discordeno/types";
import { z } from "zod";
import {
  type ApplicationId,
  type ChannelId,
  type MessageId,
  parseSnowflake,
  type UserId,
} from "../../../core/discord/ids.ts";
import {
  listOf,
  listOrEmpty,
  optional,
  snowflakeSchema,
  textOr,
} from "../../../core/discord/lenient.ts";
import { emojiInPath, type Sender } from "../../../core/inbound/inbound.ts";
import type {
  Button,
  Card,
  EmbedContent,
  LinkButton,
  Menu,
  OutboundFile,
  OutboundMessage,
  Posted,
  PostedPage,
  PostOutcome,
  Unread,
  VoiceFacts,
} from "../../../core/outbound/outbound.ts";
import type { RawMessage } from "../../../core/turn/discord_place.ts";
import { isRecord } from "../../../lib/text/quoted.ts";
import { type RequestOptions, type RestApi } from "../client/client.ts";
import { expect, jsonOf, RestError } from "../exchange/exchange.ts";

const ROUTE = "GET /channels/:id/messages";

/** Maximum number of messages in one response of Discord. */
export const MAX_HISTORY = 100;

/** A range of a channel's messages: the newest, or those before, after or around a message. */
export interface HistoryRange {
  /** Only messages before this one. */
  readonly before?: MessageId;
  /** Only messages after this one. */
  readonly after?: MessageId;
  /** This message, and those on both sides of it. */
  readonly around?: MessageId;
  /** 1 to {@link MAX_HISTORY}. */
  readonly limit: number;
}

/** Their number tells whether there are more, so none is left out. */
const historySchema = z.array(z.looseObject({ id: snowflakeSchema<"message">() }));

/**
 * Reads messages, newest first.
 *
 * An empty result does not mean that the channel has no messages. Without the permission to read
 * the history, Discord answers with an empty list, not with an error.
 *
 * @throws {RestError} If Discord does not answer, or refuses.
 * @throws {RangeError} If the limit is out of range.
 * @see {@link https://docs.discord.com/developers/resources/message#get-channel-messages}
 */
export async function readHistory(
  api: RestApi,
  channelId: ChannelId,
  { before, after, around, limit }: HistoryRange,
  options: RequestOptions = {},
): Promise<readonly RawMessage[]> {
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_HISTORY) {
    throw new RangeError(`Cannot read ${limit} messages at once: 1 to ${MAX_HISTORY}`);
  }
  const query = new URLSearchParams({ limit: String(limit) });
  if (before !== undefined) query.set("before", before);
  if (after !== undefined) query.set("after", after);
  if (around !== undefined) query.set("around", around);
  const answer = await api.request("GET", `/channels/${channelId}/messages?${query}`, options);
  return expect(ROUTE, historySchema, answer);
}

const idSchema = z.object({ id: snowflakeSchema<"message">() });

/** The fields that identify a message; one without them is not the bot's. */
const postedSchema = z.lazy(() =>
  idSchema.extend({
    author: z.object({ id: snowflakeSchema<"user">() }),
    content: textOr(""),
    message_reference: optional(z.object({ message_id: optional(snowflakeSchema<"message">()) })),
    attachments: listOrEmpty(z.object({ size: z.number() })),
  })
);

/**
 * Reads the page before a message, or the newest one. A failure is an outcome, never thrown: a
 * caller that searches page by page decides for each failure whether to retry.
 */
export async function readPosted(
  api: RestApi,
  channelId: ChannelId,
  before?: MessageId,
): Promise<PostedPage | Unread> {
  try {
    const raw = await readHistory(api, channelId, { limit: MAX_HISTORY, before });
    const oldest = raw.length === 0 ? undefined : idSchema.parse(raw.at(-1)).id;
    return {
      kind: "page",
      messages: raw.flatMap(toPosted),
      oldest,
      isLast: raw.length < MAX_HISTORY,
    };
  } catch (thrown) {
    return toUnread(thrown);
  }
}

function toPosted(raw: RawMessage): Posted[] {
  const parsed = postedSchema.safeParse(raw);
  if (!parsed.success) return [];
  const { id, author, content, message_reference, attachments } = parsed.data;
  const quote = message_reference?.message_id;
  return [{
    id,
    authorId: author.id,
    content,
    quote,
    fileSizes: attachments.map(({ size }) => size),
  }];
}

/** A failed request as the outcome of a look; it throws any other error. */
export function toUnread(thrown: unknown): Unread {
  if (!(thrown instanceof RestError)) throw thrown; // not a failed request: a bug of Barnacle
  const { kind, message: reason, code, retryAfterMs } = thrown;
  return {
    kind: "unread",
    why: kind === "unsent" || kind === "unavailable" ? "unreachable" : kind,
    reason,
    code,
    retryAfterMs,
  };
}

const messageSchema = z.lazy(() =>
  z.looseObject({
    id: snowflakeSchema<"message">(),
    author: z.looseObject({ id: snowflakeSchema<"user">() }),
    components: listOf(z.unknown()),
    reactions: listOrEmpty(z.object({
      me: z.boolean(),
      emoji: z.object({ id: optional(snowflakeSchema()), name: optional(z.string()) }),
    })),
  })
);

/** @see {@link https://docs.discord.com/developers/resources/message#get-channel-message} */
export async function readMessage(
  api: RestApi,
  channelId: ChannelId,
  messageId: MessageId,
): Promise<{
  readonly authorId: UserId;
  /** The bot's own reactions: `"👀"`, or `"<:krill:123>"`. */
  readonly ownReactions: readonly string[];
  readonly hasControls: boolean;
  readonly raw: RawMessage;
}> {
  const answer = await api.request("GET", `/channels/${channelId}/messages/${messageId}`);
  const raw = expect("GET /channels/:id/messages/:id", messageSchema, answer);
  return {
    authorId: raw.author.id,
    ownReactions: raw.reactions.flatMap(({ me, emoji: { id, name } }) =>
      me ? [id ? `<:${name ?? "_"}:${id}>` : name ?? ""] : []
    ),
    hasControls: (raw.components ?? []).length > 0,
    raw,
  };
}

const answerSchema = z.lazy(() =>
  z.object({
    refreshed_urls: listOrEmpty(
      z.object({ original: z.string(), refreshed: optional(z.string()) }),
    ),
  })
);

/**
 * Asks for a new link to a file; `undefined` if Discord has none.
 *
 * @see {@link https://docs.discord.com/developers/reference#signed-attachment-cdn-urls}
 */
export async function refreshUrl(
  api: RestApi,
  url: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  const answer = await api.request("POST", "/attachments/refresh-urls", {
    body: { attachmentUrls: [url] },
    signal,
  });
  return answerSchema.safeParse(answer).data?.refreshed_urls
    .find(({ original }) => original === url)?.refreshed ?? undefined;
}

/** Flag of a message in the second layout; no edit can remove it. */
const IS_COMPONENTS_V2 = 1 << 15;

/** Colour of the edge while a person must decide: Discord's blurple. */
const OPEN_COLOR = 0x58_65_F2;

/** A box around the text and the components of a card, by numbers that Discordeno does not know. */
export interface Container {
  readonly type: 17;
  /** Colour of its edge, as RGB; absent for none. */
  readonly accentColor?: number;
  /** Texts, a line, and rows, from top to bottom. */
  readonly components: readonly (
    | { readonly type: 10; readonly content: string }
    | { readonly type: 14 }
    | ButtonRow
  )[];
}

export type Layout = readonly (ButtonRow | Container)[];

/** The components of a message; none if it changes none. */
export function componentsOf(
  { card, buttons, menus, link }: OutboundMessage,
): { readonly components?: Layout } {
  const rows = buttons || menus ? rowsOf(buttons ?? [], menus, link) : undefined;
  if (card) return { components: layoutOf(card, rows ?? []) };
  return rows ? { components: rows } : {};
}

function layoutOf({ blocks, isOpen }: Card, rows: readonly ButtonRow[] = []): Layout {
  const texts = blocks.map((content) => ({ type: 10, content }) as const);
  return [{
    type: 17,
    accentColor: isOpen ? OPEN_COLOR : undefined,
    components: rows.length > 0 ? [...texts, { type: 14 }, ...rows] : texts,
  }];
}

/** A row of components below a message. Discordeno's own type is a tuple of up to five. */
export interface ButtonRow {
  readonly type: MessageComponentTypes.ActionRow;
  /** At most five buttons, or one select menu. */
  readonly components: readonly (ButtonComponent | SelectMenuComponent)[];
}

const STYLES: Readonly<Record<Button["style"], ButtonStyles>> = {
  primary: ButtonStyles.Primary,
  secondary: ButtonStyles.Secondary,
  success: ButtonStyles.Success,
  danger: ButtonStyles.Danger,
};

const IN_A_ROW = 5;

/**
 * Puts buttons into rows, and each menu into one. Without them there is no row, because Discord
 * accepts no empty one.
 *
 * @param buttons With the menus, five rows at most.
 * @see {@link https://docs.discord.com/developers/components/reference#action-row}
 */
function rowsOf(
  buttons: readonly Button[],
  menus: readonly Menu[] = [],
  link?: LinkButton,
): readonly ButtonRow[] {
  const type = MessageComponentTypes.ActionRow;
  const all = [...link ? [toLink(link)] : [], ...buttons.map(toComponent)];
  return [
    ...Array.from({ length: Math.ceil(all.length / IN_A_ROW) }, (_, row): ButtonRow => ({
      type,
      components: all.slice(row * IN_A_ROW, (row + 1) * IN_A_ROW),
    })),
    ...menus.map((menu): ButtonRow => ({ type, components: [toMenu(menu)] })),
  ];
}

function toMenu({ customId, placeholder, max, options }: Menu): SelectMenuComponent {
  return {
    type: MessageComponentTypes.SelectMenu,
    customId,
    placeholder,
    minValues: 1,
    maxValues: max,
    options: [...options],
  };
}

function toLink(link: LinkButton): ButtonComponent {
  return { type: MessageComponentTypes.Button, style: ButtonStyles.Link, ...link };
}

function toComponent({ customId, label, style }: Button): ButtonComponent {
  return { type: MessageComponentTypes.Button, style: STYLES[style], label, customId };
}

/**
 * Shows the typing indicator for ten seconds, or until the bot posts a message there. Never retried.
 *
 * @throws {RestError} `unsent` without spare capacity.
 * @see {@link https://docs.discord.com/developers/resources/channel#trigger-typing-indicator}
 */
export async function sendTyping(api: RestApi, channelId: ChannelId): Promise<void> {
  await api.request("POST", `/channels/${channelId}/typing`, { priority: "spare" });
}

/**
 * Adds a reaction of the bot's. Never retried.
 *
 * @param emoji A Unicode emoji, `"👀"`, or a custom one in message syntax, `"<:krill:123>"`.
 * @param options By default, the request uses only spare capacity.
 * @throws {RestError} `unsent` without spare capacity.
 * @see {@link https://docs.discord.com/developers/resources/message#create-reaction}
 */
export async function putReaction(
  api: RestApi,
  channelId: ChannelId,
  messageId: MessageId,
  emoji: string,
  options: RequestOptions = { priority: "spare" },
): Promise<void> {
  await api.request("PUT", reactionPath(channelId, messageId, emoji), options);
}

/** Removes one; otherwise as {@link putReaction}. */
export async function deleteReaction(
  api: RestApi,
  channelId: ChannelId,
  messageId: MessageId,
  emoji: string,
  options: RequestOptions = { priority: "spare" },
): Promise<void> {
  await api.request("DELETE", reactionPath(channelId, messageId, emoji), options);
}

function reactionPath(channelId: ChannelId, messageId: MessageId, emoji: string): string {
  const name = encodeURIComponent(emojiInPath(emoji));
  return `/channels/${channelId}/messages/${messageId}/reactions/${name}/@me`;
}

const UNKNOWN_MESSAGE = 10008;
/** Discord's code for a request with more than the place takes; its status is 413. */
const TOO_LARGE = 40005;

const INVALID_FORM_BODY = 50035;

/**
 * Discord's codes for a refused quote: the bot may not read the history here, the quoted channel is
 * age-restricted, or a field is invalid, such as a reference to an announcement of Discord's own. One
 * request without the reference tells whether that was the field.
 */
const QUOTE_REFUSED: ReadonlySet<number> = new Set([160002, 160009, 160010, INVALID_FORM_BODY]);

/** Timeout of a request with files in milliseconds: an uplink of 2 Mbit/s needs 42 s for 10 MiB. */
export const UPLOAD_TIMEOUT_MS = 60_000;

const CREATE = "POST /channels/:id/messages";
const EDIT = "PATCH /channels/:id/messages/:id";

const createdSchema = z.object({ id: snowflakeSchema<"message">() });

/** Sends a request whose response is the message. */
async function send(
  api: RestApi,
  method: "POST" | "PATCH",
  path: string,
  options: RequestOptions,
): Promise<PostOutcome> {
  try {
    const answer = await api.request(method, path, options);
    return { kind: "created", messageId: idOf(answer, method === "POST" ? CREATE : EDIT) };
  } catch (thrown) {
    return failureOf(thrown);
  }
}

/**
 * Creates a message.
 *
 * `enforce_nonce` makes a repeated request harmless. `parse: []` prevents every ping that the
 * message does not list.
 *
 * If Discord refuses its quote, the message is sent again without it; if it refuses a card, as
 * text. That is safe: the refused request has created nothing, and all have the same nonce.
 *
 * @param api The account's client; its scheduler keeps the order within a channel.
 * @param files At most ten.
 * @param notAfter Unix time in milliseconds after which the request must not leave, because
 * Discord may have forgotten the nonce of an earlier attempt. The request waits for a rate limit
 * that ends before.
 * @see {@link https://docs.discord.com/developers/resources/message#create-message}
 */
export async function createMessage(
  api: RestApi,
  message: OutboundMessage,
  files: readonly OutboundFile[],
  notAfter: number,
): Promise<PostOutcome> {
  const create = (as: OutboundMessage) =>
    send(api, "POST", `/channels/${as.channelId}/messages`, {
      notAfter,
      ...requestOf(toCreate(as), as, files, as.voice),
    });
  let outcome = await create(message);
  if (outcome.kind !== "refused") return outcome;
  let { quote: _, card: __, ...plain } = message;
  if (message.quote !== undefined && refusesQuote(outcome)) {
    plain = { ...plain, pings: { ...message.pings, quotedAuthor: false } };
    outcome = await create({ ...plain, card: message.card });
  }
  return message.card && isInvalid(outcome) ? await create(plain) : outcome;
}

/**
 * Replaces the text of a posted message; a card that Discord refuses becomes text. Its quote stays.
 * Its buttons stay unless `message` has buttons.
 *
 * @param files They replace the message's files; if empty, those stay.
 * @param priority `spare`: fails as `unsent` if it cannot leave at once.
 * @returns `created` if the message has the new text; `already_gone` if it was deleted.
 */
export async function editMessage(
  api: RestApi,
  messageId: MessageId,
  message: OutboundMessage,
  files: readonly OutboundFile[],
  priority?: "spare",
): Promise<PostOutcome> {
  const edit = (as: OutboundMessage) =>
    send(api, "PATCH", `/channels/${as.channelId}/messages/${messageId}`, {
      priority,
      ...requestOf(toEdit(as), as, files),
    });
  const outcome = await edit(message);
  const { card, ...plain } = message;
  return card && isInvalid(outcome) ? await edit(plain) : outcome;
}

/**
 * Deletes a message.
 *
 * @returns `created` if it is deleted now; `already_gone` if another user has deleted it.
 */
export async function deleteMessage(
  api: RestApi,
  channelId: ChannelId,
  messageId: MessageId,
): Promise<PostOutcome> {
  try {
    await api.request("DELETE", `/channels/${channelId}/messages/${messageId}`);
    return { kind: "created", messageId };
  } catch (thrown) {
    return failureOf(thrown);
  }
}

/** Reads the id alone; the schema is for the error. */
function idOf(answer: unknown, route: string): MessageId {
  const id = isRecord(answer) && typeof answer["id"] === "string"
    ? parseSnowflake<"message">(answer["id"])
    : undefined;
  return id ?? expect(route, createdSchema, answer).id;
}

/**
 * Builds the JSON of a new message, without its last brace. Each reply has one, so it is made as a
 * text at once.
 */
function toCreate(message: OutboundMessage): string {
  const { nonce, quote, card, content, embed } = message;
  const flags = createFlagsOf(message);
  return (card ? "{" : `{"content":${JSON.stringify(content)},`) +
    `"nonce":${JSON.stringify(nonce)},"enforce_nonce":true,${mentionsOf(message)}` +
    (flags === 0 ? "" : `,"flags":${flags}`) +
    (embed ? `,"embeds":${jsonOf([embedOf(embed)])}` : "") +
    (quote ? `,"message_reference":{"message_id":"${quote}","fail_if_not_exists":false}` : "");
}

function embedOf({ footer, ...embed }: EmbedContent): object {
  return { ...embed, footer: footer === undefined ? undefined : { text: footer } };
}

/** A voice message has no text, so it has no previews; and a card has none of its own. */
function createFlagsOf(
  { voice, card, suppressesEmbeds, suppressesNotifications }: OutboundMessage,
): number {
  return (voice
    ? MessageFlags.IsVoiceMessage
    : card
    ? IS_COMPONENTS_V2
    : suppressesEmbeds
    ? MessageFlags.SuppressEmbeds
    : 0) |
    (suppressesNotifications ? MessageFlags.SuppressNotifications : 0);
}

/**
 * Builds the JSON of an edit, without its last brace. Sets the flags even to 0, because a draft may
 * have had one. Absent buttons stay at Discord.
 */
function toEdit(message: OutboundMessage): string {
  const { suppressesEmbeds, card } = message;
  const flags = card ? IS_COMPONENTS_V2 : suppressesEmbeds ? MessageFlags.SuppressEmbeds : 0;
  // Discord makes a card only of a message without text.
  return `{"content":${card ? null : JSON.stringify(message.content)},` +
    `${mentionsOf(message)},"flags":${flags}`;
}

function mentionsOf({ pings: { users, roles, quotedAuthor } }: OutboundMessage): string {
  const people = users.length > 0 || roles.length > 0
    ? `"users":${JSON.stringify(users)},"roles":${JSON.stringify(roles)}`
    : '"users":[],"roles":[]';
  return `"allowed_mentions":{"parse":[],${people},"replied_user":${quotedAuthor}}`;
}

/**
 * Adds the components and the files to a begun body. Discord keeps only the listed attachments, so a
 * repeated edit adds no file twice.
 */
function requestOf(
  begun: string,
  message: OutboundMessage,
  files: readonly OutboundFile[],
  voice?: VoiceFacts,
): RequestOptions {
  const { card, buttons, menus } = message;
  const { components } = card || buttons || menus ? componentsOf(message) : {};
  const body = components ? `${begun},"components":${jsonOf(components)}` : begun;
  if (files.length === 0) return { body: `${body}}` };
  const attachments = files.map(({ name, alt, isSpoiler }, index) => ({
    id: String(index),
    filename: name,
    title: titleOf(name),
    description: alt,
    isSpoiler,
    durationSecs: voice?.durationSec,
    waveform: voice?.waveform,
  }));
  return {
    body: `${body},"attachments":${jsonOf(attachments)}}`,
    files: files.map(({ name, contentType, bytes }) => ({
      name,
      blob: new Blob([bytes], contentType === undefined ? {} : { type: contentType }),
    })),
    timeoutMs: UPLOAD_TIMEOUT_MS,
  };
}

/** The name for people, without its ending, if Discord would change it; `undefined` if it stays. */
function titleOf(name: string): string | undefined {
  return /^[\w.-]+$/.test(name) ? undefined : name.replace(/(?<=.)\.[^.]*$/, "");
}

/**
 * Converts an error to an outcome. A deleted quote does not fail a create (`failIfNotExists`). So
 * for a create, "unknown message" can only mean the message with this nonce, which was deleted.
 */
function failureOf(error: unknown): PostOutcome {
  if (!(error instanceof RestError)) throw error; // not a failed request: a bug of Barnacle
  const { kind, message: reason, status, code, retryAfterMs } = error;
  if (code === UNKNOWN_MESSAGE) return { kind: "already_gone" };
  if (kind === "unavailable") return { kind: "unanswered", reason };
  if (kind === "unsent") return { kind: "unsent", reason };
  return {
    kind: "refused",
    why: kind,
    reason,
    code,
    retryAfterMs,
    isTooLarge: (status === 413 || code === TOO_LARGE) || undefined,
  };
}

function isInvalid(outcome: PostOutcome): boolean {
  return outcome.kind === "refused" && outcome.code === INVALID_FORM_BODY;
}

function refusesQuote(outcome: PostOutcome): boolean {
  return outcome.kind === "refused" && outcome.code !== undefined &&
    QUOTE_REFUSED.has(outcome.code);
}

/** The webhook of an interaction, which takes its answers, and the person. */
export interface Webhook {
  readonly applicationId: ApplicationId;
  readonly token: string;
  /** Absent: not known, or it does not matter. */
  readonly sender?: Sender;
}

/** Milliseconds within which Discord takes suggestions. */
const ANSWER_MS = 3_000;

/** Maximum UTF-16 units of a message's own text. */
const CONTENT_MAX = 2_000;

const NO_MENTIONS = { parse: [] };

const replySchema = z.object({ id: snowflakeSchema<"message">() });

/**
 * Creates the answers for one client.
 *
 * @param isPrivileged Whether the answers to a person wait for none to other people (X4a).
 * @see {@link https://docs.discord.com/developers/interactions/receiving-and-responding#followup-messages}
 */
export function createInteractions(
  api: RestApi,
  isPrivileged: (interaction: { readonly sender: Sender }) => boolean,
) {
  /** Answers have a pace of their own. */
  const first = ({ sender }: { readonly sender?: Sender }) =>
    ({ priority: sender && isPrivileged({ sender }) ? "privileged" : "interaction" }) as const;
  const pathOf = ({ applicationId, token }: Webhook) =>
    `/webhooks/${applicationId}/${encodeURIComponent(token)}`;

  async function edit(webhook: Webhook, message: string, body: object): Promise<void> {
    const path = `${pathOf(webhook)}/messages/${message}`;
    await api.request("PATCH", path, {
      ...first(webhook),
      body: { flags: MessageFlags.SuppressEmbeds, ...body, allowedMentions: NO_MENTIONS },
    });
  }

  return {
    /**
     * Replaces the text of the component's message, and all its components by the menu.
     *
     * @param content 1 to 2000 characters.
     * @param card Set if the message is a card: the text that it gets instead.
     * @throws {RestError} `not_found` if the use was not acknowledged before, or the token has expired.
     */
    update: (use: Webhook, content: string, card?: Card, menu?: Menu): Promise<void> =>
      edit(
        use,
        ORIGINAL,
        card
          ? { flags: IS_COMPONENTS_V2, components: layoutOf(card) }
          : { content, components: rowsOf([], menu && [menu]) },
      ),
    /**
     * Answers with a message that only the person sees; the component's message stays as it is.
     *
     * @param content 1 to 2000 characters.
     * @returns Id of the message.
     * @throws {RestError} As `update`.
     */
    async reply(use: Webhook, content: string): Promise<MessageId> {
      const flags = MessageFlags.Ephemeral | MessageFlags.SuppressEmbeds;
      const body = { content, flags, allowedMentions: NO_MENTIONS };
      const answer = await api.request("POST", pathOf(use), { ...first(use), body });
      return expect("POST /webhooks/:id/:token", replySchema, answer).id;
    },
    /**
     * Replaces the text of a reply.
     *
     * @param content 1 to 2000 characters.
     * @throws {RestError} As `update`.
     */
    change: (use: Webhook, replyId: MessageId, content: string): Promise<void> =>
      edit(use, replyId, { content }),
    /**
     * Suggests values for the option that a person types. A person waits three seconds for them, so
     * they are never tried again.
     *
     * @throws {RestError} `not_found` after the three seconds.
     */
    async suggest(
      { id, token, sender }: {
        readonly id: string;
        readonly token: string;
        readonly sender: Sender;
      },
      choices: readonly { readonly name: string; readonly value: string }[],
    ): Promise<void> {
      const body: InteractionResponse = {
        type: InteractionResponseTypes.ApplicationCommandAutocompleteResult,
        data: { choices: choices.map(({ name, value }) => ({ name, value })) },
      };
      await api.request("POST", `/interactions/${id}/${encodeURIComponent(token)}/callback`, {
        ...first({ sender }),
        body,
        timeoutMs: ANSWER_MS,
      });
    },
    /**
     * Completes a deferred answer. The second layout has room for a text that the first has not.
     *
     * @param content 1 to 4000 characters.
     * @throws {RestError} `not_found` if the answer was not deferred before, or the token has
     * expired.
     */
    complete: (
      interaction: Webhook,
      content: string,
      { buttons = [], menu }: { readonly buttons?: readonly Button[]; readonly menu?: Menu } = {},
    ): Promise<void> => {
      const rows = rowsOf(buttons, menu && [menu]);
      return edit(
        interaction,
        ORIGINAL,
        content.length <= CONTENT_MAX
          ? { content, components: rows.length > 0 ? rows : undefined }
          : { flags: IS_COMPONENTS_V2, components: [{ type: 10, content }, ...rows] },
      );
    },
  };
}

/** The deferred message, or the message of the component. */
const ORIGINAL = "@original";
