/**
 * Gathers what a turn reads and works with: overheard messages, reactions, files, stored steps, and
 * its tools.
 *
 * All messages of a turn share the room that one request has for images and for texts of files (H7,
 * S5). Messages that join the turn later get the rest of it, so the beginning of the request stays.
 */

import type { BotAccount } from "../../account/account.ts";
import { compareIds, createdAtMs, type MessageId } from "../../core/discord/ids.ts";
import { toolChars } from "../../core/model.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import { type Claim, messagesOf } from "../../core/inbound/inbox.ts";
import { cameBy } from "../../core/inbound/inbound.ts";
import {
  type Entry,
  type Overheard,
  type PartedText,
  partedText,
  toOverheard,
} from "../../core/inbound/mentions.ts";
import type { ModelImage } from "../../core/model.ts";
import { withoutFooter } from "../../core/outbound/outbound.ts";
import { joinedBy, type Step, type StoredSteps } from "../../core/step.ts";
import type { KeptImage, ReadAttachment } from "../../core/turn/media.ts";
import { namesIn } from "../../discord/gateway/decode/decode.ts";
import { envelopeOf, senderLines, systemPromptOf, textOf } from "../../render/prompt/prompt.ts";
import type { ModelAnswer } from "../../render/reply.ts";
import { historyChars } from "../../session/session.ts";
import {
  attachmentsOf,
  earlierImages,
  type FileRoom,
  filesOf,
  hasFiles,
  MAX_IMAGES,
  MAX_IMAGES_BYTES,
  readAttachments,
} from "../media/files.ts";
import { openHistory, type TurnHistory } from "../session/turn_history.ts";
import type { OneTurn } from "./steps.ts";
import { createToolbox, type Toolbox } from "./toolbox.ts";

/** Creates the files of a turn; none is read yet. */
export function createTurnAttachments(
  account: BotAccount,
  { agentId, takesImages, maxChars }: {
    readonly agentId: string;
    readonly takesImages: boolean;
    /** Maximum UTF-16 units of the texts of all files. */
    readonly maxChars: number;
  },
) {
  const read = new Map<MessageId, readonly ReadAttachment[]>();
  const shares = new Map<MessageId, number>();
  let earlier: readonly ModelImage[] = [];
  const ofResults = new Map<string, ModelImage>();
  let freeChars = maxChars;

  const imagesOf = (messageIds: Iterable<MessageId>) =>
    [...messageIds].flatMap((id) => read.get(id) ?? []).flatMap(({ result }) =>
      result.kind === "image" ? [result.image] : []
    );

  function shareOf(count: number): Omit<FileRoom, "chars"> {
    const shown = [...imagesOf(read.keys()), ...earlier, ...ofResults.values()];
    const bytes = MAX_IMAGES_BYTES - shown.reduce((sum, { data }) => sum + data.length, 0);
    return {
      bytes: Math.max(0, Math.floor(bytes / count)),
      count: Math.max(0, Math.floor((MAX_IMAGES - shown.length) / count)),
    };
  }

  return {
    /**
     * Reads the files of messages that were not read yet. Never fails, except with the signal's
     * reason.
     */
    async read(messages: readonly InboundMessage[], signal: AbortSignal): Promise<void> {
      const unread = messages.filter(({ id }) => !read.has(id));
      const withAttachments = unread.filter((message) => attachmentsOf(message).length > 0);
      for (const { id } of unread) read.set(id, []);
      if (withAttachments.length === 0) return;
      const { length: count } = withAttachments;
      const share = Math.floor(freeChars / count);
      const room = shareOf(count);
      await Promise.all(withAttachments.map(async (message) => {
        const found = await readAttachments(
          account,
          message,
          { agentId, takesImages, room: { ...room, chars: share } },
          signal,
        );
        read.set(message.id, found);
        shares.set(message.id, share);
        freeChars -= Math.min(share, charsOf(found));
      }));
    },
    of: (messageId: MessageId): readonly ReadAttachment[] => read.get(messageId) ?? [],
    /** Maximum UTF-16 units of the texts of a message's files. */
    charsFor: (messageId: MessageId): number => shares.get(messageId) ?? 0,
    /** The images of messages, in their order. */
    imagesOf,
    showsEarlier: (images: readonly ModelImage[]): void => void (earlier = images),
    /**
     * Keeps an image of a tool's result, and shows it to the model if it can see it.
     *
     * @throws {FileError} If it cannot be kept, with the reason.
     */
    async keepImage(message: InboundMessage, bytes: Uint8Array): Promise<KeptImage> {
      const { id, image } = await filesOf(account).shown.keep(message, bytes);
      const kept = { id, name: `${message.id}-${id}` };
      if (!takesImages) return { ...kept, unseen: "the model takes no images" };
      const room = shareOf(1);
      if (room.count === 0 || bytes.length > room.bytes) {
        return { ...kept, unseen: "there are too many images at once" };
      }
      ofResults.set(id, image);
      return kept;
    },
    /** Reads the kept images of results of stored steps. */
    async readKept(messageId: MessageId, steps: readonly Step[]): Promise<void> {
      const ids = steps.flatMap((step) => step.kind === "result" ? step.images ?? [] : []);
      if (ids.length === 0 || !takesImages) return;
      const kept = await filesOf(account).shown.read(messageId, ids);
      for (const { id, image } of kept) ofResults.set(id, image);
    },
    /** The kept images by their ids, in that order. */
    keptImages: (ids: readonly string[]): readonly ModelImage[] =>
      ids.flatMap((id) => ofResults.get(id) ?? []),
  };
}

export type TurnAttachments = ReturnType<typeof createTurnAttachments>;

/** Reads the images of earlier turns, as far as those of this turn leave room. */
async function imagesOfEarlier(
  account: BotAccount,
  messageIds: readonly MessageId[],
  { claim }: { readonly claim: Claim },
  ofTurn: TurnAttachments,
): Promise<ReadonlyMap<MessageId, readonly ModelImage[]>> {
  const shown = ofTurn.imagesOf(messagesOf(claim).map(({ id }) => id));
  const earlier = await earlierImages(account, messageIds, shown);
  ofTurn.showsEarlier([...earlier.values()].flat());
  return earlier;
}

/** UTF-16 units of the texts of files. */
function charsOf(attachments: readonly ReadAttachment[]): number {
  return attachments.reduce((sum, { result }) => {
    const isText = result.kind === "text" || result.kind === "transcript";
    return sum + (isText ? result.text.length : 0);
  }, 0);
}

/**
 * Creates the texts of a turn.
 *
 * @param claimNow The claim with the messages that have joined so far.
 * @param joined Messages that joined the turn by stored steps: these are not first.
 * @param render The text of a message; the first one has the context of the channel.
 */
function createTurnTexts(
  claimNow: () => Claim,
  joined: ReadonlySet<MessageId>,
  render: (message: InboundMessage, isFirst: boolean) => PartedText,
) {
  const begun = claimNow();
  const { message: firstMessage, also } = begun;
  const initial = also
    ? messagesOf(begun).filter(({ id }) => id === firstMessage.id || !joined.has(id))
    : [firstMessage];
  const rendered = new Map<MessageId, PartedText>();

  function textOf(message: InboundMessage): PartedText {
    let text = rendered.get(message.id);
    if (text === undefined) {
      text = render(message, message.id === firstMessage.id);
      rendered.set(message.id, text);
    }
    return text;
  }

  return {
    begunWith: (): readonly MessageId[] => initial.map(({ id }) => id),
    first: (): string => initial.map((message) => textOf(message).text).join("\n\n"),
    /** The same as entries of the transcript, one for each message. */
    entries: (at: number): readonly Entry[] =>
      initial.map((message) => ({ role: "user", ...textOf(message), messageId: message.id, at })),
    /** Text of a message that joined later; `undefined` if it is no part of the turn any more. */
    of(messageId: MessageId): PartedText | undefined {
      const message = messagesOf(claimNow()).find(({ id }) => id === messageId);
      return message && textOf(message);
    },
    /** Ids that the words of all of them are from. */
    sources: (): ReadonlySet<string> =>
      new Set(
        messagesOf(claimNow()).flatMap((message) =>
          textOf(message).parts.flatMap(({ of = [] }) => of)
        ),
      ),
    all: (): readonly string[] => messagesOf(claimNow()).map((message) => textOf(message).text),
  };
}

export type TurnTexts = ReturnType<typeof createTurnTexts>;

/** Share of the history's room that the texts of the message's files may take. */
const FILES_SHARE = 0.5;

/** Maximum UTF-16 units of overheard messages for the model. */
const OVERHEARD_CHARS = 6_000;

/** Whether the claim's session is that of a thread which its answer opens (S7). */
export function opensThread({ message: { id, channelId }, route: { sessionKey } }: Claim): boolean {
  return String(id) !== channelId && sessionKey.endsWith(`:channel:${id}`);
}

const NOTHING_JOINED: ReadonlySet<MessageId> = new Set();
const NO_IMAGES: readonly ModelImage[] = [];

/** What the model reads in some turns alone, before the message. */
export interface TurnContext {
  /** The message that a thread began with (H6). */
  starter?: Overheard;
}

export interface Gathered {
  readonly texts: TurnTexts;
  /** Messages of the channel that the model sees, and questions of turns that run. */
  readonly overheard: readonly Overheard[];
  readonly stored: StoredSteps;
  readonly images: readonly ModelImage[];
  /** Files of the turn's messages. Those of messages that join later are not read yet. */
  readonly attachments: () => TurnAttachments;
  /** Reads the files and the quotes of messages that have joined since. */
  readonly readJoined: (signal: AbortSignal) => Promise<void>;
}

/**
 * Fetches the turn's context. Only channels have overheard messages, not direct messages.
 *
 * @param options `attachmentChars`: maximum UTF-16 units of the texts of files.
 */
async function gather(
  { account, turn, model, rules, stored }: OneTurn,
  { starter }: TurnContext,
  { boundary, attachmentChars }: { readonly boundary: string; readonly attachmentChars: number },
): Promise<Gathered> {
  const { historyLimit: channelLimit, timezone } = rules;
  const { store: { turns: store }, stopping } = account;
  const { claim } = turn;
  const { message, route: { sessionKey } } = claim;
  const { own: steps } = stored;
  const historyLimit = opensThread(claim) ? 0 : channelLimit; // a thread inherits no history
  const asked = turn.ahead.map(toOverheard);
  const said = historyLimit === 0
    ? []
    : await store.overheard(message, sessionKey, message.id, historyLimit);
  // The next turn in the channel gets them: a call is not in it.
  const reactions = await store.reactionsFor(message, message.id);
  const passive = cameBy(message, "passive");
  const shownId = starter?.messageId ?? passive?.messageId;
  const heard = passive && historyLimit > 0
    ? await withQuestions(account, said, claim, historyLimit)
    : said;
  const overheard = heard.filter(({ messageId }) => messageId !== shownId);

  let made: TurnAttachments | undefined; // most turns have no files, and make none
  const attachments = () =>
    made ??= createTurnAttachments(account, {
      agentId: claim.route.agentId,
      takesImages: model.takesImages !== false,
      maxChars: attachmentChars,
    });
  const joined = steps.length > 0 ? joinedBy(steps) : NOTHING_JOINED;
  if (steps.length > 0 || claim.also || hasFiles(message)) {
    const messages = messagesOf(claim);
    const first = messages.filter(({ id }) => id === message.id || !joined.has(id));
    await attachments().read(first, stopping);
    for (const { messageIds } of steps.filter((step) => step.kind === "joined")) {
      await attachments().read(messages.filter(({ id }) => messageIds.includes(id)), stopping);
    }
  }
  if (steps.length > 0) await attachments().readKept(message.id, steps);
  /** Texts of quoted answers without their footers, by the message that quotes them. */
  const quotes = new Map<MessageId, string>();
  async function readQuotes(): Promise<void> {
    for (const { id, quoted } of messagesOf(turn.claim)) {
      if (!quoted || quotes.has(id)) continue;
      quotes.set(id, await withoutFooter(quoted.text, quoted.id, account.store.outbox.footerOf));
    }
  }
  if (claim.also || message.quoted) await readQuotes();

  const texts = createTurnTexts(() => turn.claim, joined, (one, isFirst) => {
    const read = made?.of(one.id) ?? [];
    const reacted = isFirst ? reactions : [];
    const more = [...read.map(textOf), ...reacted.map((note) => note.message?.text ?? "")];
    const names = more.length > 0 && namesIn(more, {}, one.place, account.reader);
    const named = names ? { ...one, names: { ...names, ...one.names } } : one;
    const parts = envelopeOf({
      message: named.quoted
        ? { ...named, quoted: { ...named.quoted, text: quotes.get(one.id) ?? named.quoted.text } }
        : named,
      starter: isFirst && starter ? starter : undefined,
      overheard: isFirst ? overheard : [],
      asked: isFirst ? asked : [],
      overheardChars: OVERHEARD_CHARS,
      reactions: reacted,
      senderLines: isFirst ? senderLines(rules.tools, rules.offered, rules.ownerId) : [],
      timezone,
      attachments: read,
      attachmentChars: made?.charsFor(one.id),
    });
    return partedText(parts, boundary);
  });
  return {
    texts,
    overheard: [...starter ? [starter] : [], ...overheard, ...asked],
    stored,
    images: made ? made.imagesOf(texts.begunWith()) : NO_IMAGES,
    attachments,
    async readJoined(signal) {
      await attachments().read(messagesOf(turn.claim), signal);
      await readQuotes();
    },
  };
}

/** Milliseconds of talk that the first turn of a passive agent reads, and messages of each turn. */
const FIRST_TALK_MS = 60 * 60_000;
const MAX_TALK = 200;

/** Adds the questions to active agents in the channel, for the session of a passive one (N1). */
async function withQuestions(
  { store: { turns, messages } }: BotAccount,
  others: readonly Overheard[],
  { message, route: { sessionKey } }: Claim,
  limit: number,
): Promise<readonly Overheard[]> {
  const seen = (await turns.entriesOf(sessionKey, MAX_TALK)).findLast(({ role }) =>
    role === "user"
  );
  const since = seen ? createdAtMs(seen.messageId) : message.sentAt - FIRST_TALK_MS;
  const talk = await messages.recentTalk(message.accountId, since, MAX_TALK);
  const known = new Set(others.map(({ messageId }) => messageId));
  const questions = talk.flatMap((one): readonly Overheard[] => {
    const { id: messageId, channelId, text, sentAt } = one;
    const isNew = one.kind === "person" && channelId === message.channelId &&
      !known.has(messageId) && compareIds(messageId, message.id) < 0 &&
      (!seen || compareIds(messageId, seen.messageId) > 0);
    if (!isNew) return [];
    const { sender, replyTo, forwards } = one;
    return [{
      messageId,
      tag: sender.username,
      authorId: sender.id,
      text,
      replyTo,
      forwards,
      sentAt,
    }];
  });
  return [...others, ...questions]
    .sort((one, other) => compareIds(one.messageId, other.messageId))
    .slice(-limit);
}

/** The first request of a turn, and everything that it was made of. */
export interface TurnRequest {
  readonly boundary: string;
  readonly system: string;
  /** The message with its context, as the model reads it. */
  readonly envelope: string;
  readonly gathered: Gathered;
  readonly toolbox: Toolbox;
  readonly opened: Awaited<ReturnType<typeof openHistory>>;
  /** The entries of the session that fit; a refused request leaves fewer. */
  history: TurnHistory;
}

/**
 * Reads the request of a turn: the message with its context, and the entries of the session that fit.
 *
 * @returns `undefined` if the account has ended meanwhile.
 * @throws {unknown} The store's error.
 */
export async function readRequest(
  turn: OneTurn,
  context: TurnContext,
): Promise<TurnRequest | undefined> {
  const { account, turn: running, rules, model, spending: { by } } = turn;
  const { window = rules.window } = model;
  const boundary = account.randomId();
  const system = systemPromptOf(rules.instructions);
  const attachmentChars = Math.floor(historyChars(window, system.length) * FILES_SHARE);
  const gathered = await gather(turn, context, { boundary, attachmentChars });
  if (account.ended.aborted) return undefined;
  const { texts, images } = gathered;
  const envelope = texts.first();
  const toolbox = createToolbox(account, rules, {
    boundary,
    askers: () => messagesOf(running.claim),
    keepImage: (bytes) => gathered.attachments().keepImage(running.claim.message, bytes),
  });
  const { reset, timezone, userTurns, timeoutMs } = rules;
  const opened = await openHistory(
    account,
    running.claim,
    { system, envelope, images, toolChars: toolChars(toolbox.definitions) },
    { window, reset, timezone, userTurns, timeoutMs },
    {
      ...{ model, by },
      earlierImages: model.takesImages !== false
        ? (messageIds) => imagesOfEarlier(account, messageIds, running, gathered.attachments())
        : undefined,
    },
  );
  const { history } = opened;
  return { boundary, system, envelope, gathered, toolbox, opened, history };
}

/** What people could see of a turn's request: an answer may name it. */
export function shownOf(
  { gathered: { overheard, texts }, system, envelope, history: { entries } }: TurnRequest,
): ModelAnswer["shown"] {
  return {
    overheard,
    // Not the model's own texts: their links would count as known because of themselves.
    texts: () => [
      ...texts.all(),
      envelope,
      ...entries.flatMap(({ role, text }) => role === "user" ? [text] : []),
    ],
    system,
  };
}
