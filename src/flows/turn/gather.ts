/**
 * Reads the request of a turn: overheard messages, reactions, files, stored steps, its tools, and the
 * entries of its session that fit.
 *
 * All messages of a turn share the room that one request has for images and for texts of files (H7,
 * S5). Messages that join the turn later get the rest of it, so the beginning of the request stays.
 *
 * Older entries are folded after an answer that leaves the window nearly full. The turn itself
 * waits for a summary only if its request would lack entries.
 *
 * After a start, the store knows only messages that the gateway brought. So before the first answer
 * in a channel, Barnacle reads the channel's history once. The messages pass the same check as live
 * ones, so no refused sender's words reach a model this way (H1, P10). A thread contains nothing of
 * its channel, so its first turn gets the message that it began with (H6).
 *
 * A turn that waits for a person may go on after days. Results that showed other people's messages
 * by the rights of their moment are withheld then (SEC-R4).
 */

import type { BotAccount } from "../../account/account.ts";
import { perAccount } from "../../account/per_account.ts";
import type { RequestRoom } from "../../core/step.ts";
import {
  type ChannelId,
  compareIds,
  createdAtMs,
  type MessageId,
  parseSnowflake,
} from "../../core/discord/ids.ts";
import {
  cameBy,
  type Entry,
  type FoldCause,
  hasFiles,
  type InboundMessage,
  type Overheard,
  type PartedText,
  partedText,
  toOverheard,
} from "../../core/inbound/inbound.ts";
import { type Claim, messagesOf } from "../../core/inbound/inbox.ts";
import {
  charsIn,
  type ContextWindow,
  hasImages,
  type Model,
  type ModelImage,
  type ModelMessage,
  type ModelRequest,
  type ModelUsage,
  type ToolCall,
  toolChars,
} from "../../core/model.ts";
import { withoutFooter } from "../../core/outbound/outbound.ts";
import { isForum } from "../../core/rights/rights.ts";
import type { UsedBy } from "../../core/spending/budget.ts";
import { joinedBy, type Step, type StoredSteps, storedSteps } from "../../core/step.ts";
import type { KeptImage, ReadAttachment } from "../../core/turn/media.ts";
import { showsToAskerAlone } from "../../core/turn/tool.ts";
import { decodeHistory, namesIn } from "../../discord/gateway/decode/decode.ts";
import { MAX_HISTORY, readHistory } from "../../discord/rest/requests/messages.ts";
import { createNewestSet } from "../../lib/cache.ts";
import { inTime } from "../../lib/clock.ts";
import { envelopeOf, senderLines, systemPromptOf, textOf } from "../../render/prompt/prompt.ts";
import { shownSummary } from "../../render/prompt/summary.ts";
import type { ModelAnswer } from "../../render/reply.ts";
import {
  charsOf,
  createTokenRates,
  FOLD_AT,
  historyChars,
  isWorthFolding,
  MAX_ENTRIES,
  requestTokens,
  resetDue,
  type ResetRule,
  shareRoom,
  shouldFold,
  type TokenRates,
} from "../../session/session.ts";
import { TOOLS } from "../../tools/registry.ts";
import { mayBeSeen, show } from "../judging/judge.ts";
import {
  earlierImages,
  type FileRoom,
  filesOf,
  MAX_IMAGES,
  MAX_IMAGES_BYTES,
  readAttachments,
} from "../media/files.ts";
import { compact } from "../session/compact.ts";
import type { OneTurn } from "./steps.ts";
import { createToolbox, type Toolbox } from "./toolbox.ts";

/** What the model reads in some turns alone, before the message. */
export interface TurnContext {
  /** The message that a thread began with (H6). */
  starter?: Overheard;
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
      model,
      by,
      earlierImages: model.takesImages !== false
        ? (messageIds) => imagesOfEarlier(account, messageIds, running, gathered.attachments())
        : undefined,
    },
  );
  const { history } = opened;
  return { boundary, system, envelope, gathered, toolbox, opened, history };
}

/** What a turn reads beside its history. */
export type Gathered = Awaited<ReturnType<typeof gather>>;

/**
 * Fetches the turn's context. Only channels have overheard messages, not direct messages.
 *
 * @param options `attachmentChars`: maximum UTF-16 units of the texts of files.
 */
async function gather(
  { account, turn, model, rules, stored }: OneTurn,
  { starter }: TurnContext,
  { boundary, attachmentChars }: { readonly boundary: string; readonly attachmentChars: number },
) {
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
    /** Messages of the channel that the model sees, and questions of turns that run. */
    overheard: [...starter ? [starter] : [], ...overheard, ...asked],
    images: made ? made.imagesOf(texts.begunWith()) : SHOWS_NONE,
    /** Files of the turn's messages. Those of messages that join later are not read yet. */
    attachments,
    /** Reads the files and the quotes of messages that have joined since. */
    async readJoined(signal: AbortSignal): Promise<void> {
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

/** Whether the claim's session is that of a thread which its answer opens (S7). */
export function opensThread({ message: { id, channelId }, route: { sessionKey } }: Claim): boolean {
  return String(id) !== channelId && sessionKey.endsWith(`:channel:${id}`);
}

const NOTHING_JOINED: ReadonlySet<MessageId> = new Set();
const SHOWS_NONE: readonly ModelImage[] = [];

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
      const withAttachments = unread.filter(hasFiles);
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
        freeChars -= Math.min(share, textChars(found));
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
function textChars(attachments: readonly ReadAttachment[]): number {
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

/** Tokens of texts by their length, as the models of an account count them. */
export const ratesOf: (account: BotAccount) => TokenRates = perAccount("turns", createTokenRates);

export interface HistoryRules {
  /** The model's context window and its longest answer, in tokens. */
  readonly window: ContextWindow;
  /** When a new transcript begins (S4a). */
  readonly reset: ResetRule;
  /** IANA time zone of the agent. */
  readonly timezone: string;
  /** Maximum number of user turns from the transcript; absent: as many as fit. */
  readonly userTurns?: number;
  /** Milliseconds that the whole turn may take. */
  readonly timeoutMs: number;
}

export interface TurnHistory {
  /** The entries that the first request shows. */
  readonly entries: readonly Entry[];
  /** Whether a summary stands for older entries. */
  readonly isFolded: boolean;
  /** UTF-16 units for entries and steps together. */
  readonly freeChars: number;
  /**
   * The request of the next step.
   *
   * @param stepChars UTF-16 units of all steps so far.
   */
  requestFor(stepChars: number): RequestRoom;
}

/** Share of a turn's time that a summary may take, and its maximum in milliseconds. */
const SUMMARY_TIME_SHARE = 0.5;
const SUMMARY_TIME_MS = 120_000;

/**
 * Opens the history of a turn.
 *
 * @throws {unknown} The store's error.
 */
export async function openHistory(
  account: BotAccount,
  claim: Claim,
  parts: {
    readonly system: string;
    readonly envelope: string;
    /** Images of the turn's messages; absent: none. */
    readonly images?: readonly ModelImage[];
    /** UTF-16 units of the definitions of tools. */
    readonly toolChars: number;
  },
  rules: HistoryRules,
  { model, by, earlierImages: readImages }: {
    readonly model: Model;
    /** Whom the request for a summary counts for. */
    readonly by: UsedBy;
    /** Reads the images of earlier messages; absent: none. */
    readonly earlierImages?: (
      imageMessages: readonly MessageId[],
    ) => Promise<ReadonlyMap<MessageId, readonly ModelImage[]>>;
  },
) {
  const { route: { sessionKey }, message } = claim;
  const { store: { turns, sessions }, now, log } = account;
  const tokensPerChar = ratesOf(account).rateOf(model.id);
  const fixedChars = parts.system.length + parts.envelope.length + parts.toolChars;
  const read = async (window: ContextWindow) => {
    const maxChars = historyChars(window, 0, tokensPerChar);
    const entries = await turns.entriesOf(sessionKey, MAX_ENTRIES, maxChars);
    const checkpoint = await sessions.checkpointOf(sessionKey);
    return { entries, chars: charsOf(entries), count: entries.length, checkpoint };
  };
  const sizeIn = (window: ContextWindow, { checkpoint }: Awaited<ReturnType<typeof read>>) => ({
    otherChars: fixedChars + (checkpoint?.summary?.text.length ?? 0),
    window,
    tokensPerChar,
  });
  const fold = async (
    window: ContextWindow,
    cause: FoldCause,
    found: Awaited<ReturnType<typeof read>>,
    ending?: AbortSignal,
  ) => {
    const timeoutMs = Math.min(SUMMARY_TIME_MS, rules.timeoutMs * SUMMARY_TIME_SHARE);
    const isNeeded = ending === undefined; // after the answer, nothing waits
    const how = { ...sizeIn(window, found), model, by, timeoutMs, isNeeded, ending };
    const isFolded = await compact(account, claim, found.checkpoint, cause, how);
    return isFolded ? await read(window) : found;
  };
  /** Before the server has told its room, a summary of a long session would be for nothing. */
  const mayFold = (
    window: ContextWindow,
    found: Awaited<ReturnType<typeof read>>,
    share: number,
  ): boolean => {
    const size = sizeIn(window, found);
    // Both from memory: whether the tables have more to fold is only read if it is worth a request.
    return !window.isPending && shouldFold(found, size, share) &&
      isWorthFolding(found.entries, size);
  };
  const historyIn = async (
    window: ContextWindow,
    found: Awaited<ReturnType<typeof read>>,
  ): Promise<TurnHistory> => {
    const { checkpoint } = found;
    const summary = checkpoint?.summary && shownSummary(checkpoint.summary);
    const freeChars = historyChars(window, fixedChars + (summary?.length ?? 0), tokensPerChar);
    const { userTurns } = rules;
    const shared = (stepChars: number) =>
      shareRoom(found.entries, { freeChars, stepChars, userTurns });
    const first = shared(0);
    const withImages = first.entries.filter(({ showsImages }) => showsImages);
    const earlierImages = withImages.length > 0
      ? await readImages?.(withImages.map(({ messageId }) => messageId))
      : undefined;
    return {
      entries: first.entries,
      isFolded: summary !== undefined,
      freeChars,
      requestFor(stepChars) {
        const { entries: history, stepChars: room } = stepChars === 0 ? first : shared(stepChars);
        const { system, envelope, images = [] } = parts;
        const request = composeRequest({
          ...{ system, history, envelope, images, earlierImages, summary },
        });
        return { request: { ...request, sessionKey }, stepChars: room };
      },
    };
  };

  let found = await read(rules.window);
  const { checkpoint } = found;
  const lastAt = found.entries.at(-1)?.at ?? (checkpoint?.summary && checkpoint.at);
  const cause = resetDue(rules.reset, lastAt, message.sentAt, rules.timezone);
  if (cause) {
    await sessions.reset(sessionKey, cause, now());
    log.debug("A session began a new transcript", { sessionKey, cause });
    found = await read(rules.window);
  }
  const lacksEntries = mayFold(rules.window, found, 1);
  const first = lacksEntries ? await fold(rules.window, "full", found) : found;
  return {
    history: await historyIn(rules.window, first),
    /**
     * The history for a request that is at most half as long as the refused one, and fits into the
     * window that the refusal has named, with older entries folded.
     */
    async shrink(): Promise<TurnHistory> {
      const tokens = (fixedChars + first.chars) * tokensPerChar / 2;
      const half = smallerWindow(rules.window, tokens);
      const { window: learned = half } = model; // the refusal may have named the window
      const smaller = learned.contextWindow < half.contextWindow ? learned : half;
      return await historyIn(smaller, await fold(smaller, "refused", await read(rules.window)));
    },
    /**
     * Finds what is left to do once the turn's entries are stored.
     *
     * @returns Folds older entries; `undefined` if the window has room.
     */
    afterwards(added: readonly Entry[]): ((ending: AbortSignal) => Promise<void>) | undefined {
      const count = first.count + added.length;
      const chars = first.chars + charsOf(added);
      if (!shouldFold({ count, chars }, sizeIn(rules.window, first))) return undefined;
      return async (ending) => {
        const { window = rules.window } = model; // its server may have told it since
        const found = await read(window);
        if (mayFold(window, found, FOLD_AT)) await fold(window, "full", found, ending);
      };
    },
  };
}

/** A window in which a request has at most so many tokens. */
function smallerWindow({ contextWindow, maxOutput }: ContextWindow, tokens: number): ContextWindow {
  const spare = contextWindow - requestTokens({ contextWindow, maxOutput });
  return { contextWindow: Math.ceil(spare + tokens), maxOutput };
}

/**
 * Notes the tokens of a request, with the UTF-16 units of {@link observableChars}. One with images
 * tells nothing about the tokens of a text.
 */
export function observeTokens(
  account: BotAccount,
  chars: number | undefined,
  { inputTokens }: ModelUsage,
  modelId: string,
): void {
  if (chars !== undefined) ratesOf(account).observe(modelId, chars, inputTokens);
}

/** UTF-16 units of a request without images. Counted before it is sent, while its texts are at hand. */
export function observableChars(request: ModelRequest): number | undefined {
  return hasImages(request.messages) ? undefined : charsIn(request) + toolChars(request.tools);
}

/**
 * Joins the parts without changing them. Entries are messages themselves: the same object in each
 * turn, so a provider can cache its own form of it. The summary becomes a part of the first message,
 * because some servers refuse two messages of the user in a row.
 */
export function composeRequest(
  { system, history, summary, envelope, images = [], earlierImages }: {
    /** System prompt, from `systemPromptOf`. */
    readonly system: string;
    /** Entries of the session that fit into the context window, oldest first. */
    readonly history: readonly Entry[];
    /** Summary of earlier entries, from `shownSummary`; absent if there is none. */
    readonly summary?: string;
    /** Text of the turn, of the parts from `envelopeOf`; the transcript's user entry is the same. */
    readonly envelope: string;
    /** Images of the turn's message, in the order in which the envelope numbers them; absent: none. */
    readonly images?: readonly ModelImage[];
    /** Images of earlier messages; absent: none. */
    readonly earlierImages?: ReadonlyMap<MessageId, readonly ModelImage[]>;
  },
): ModelRequest {
  const messages: ModelMessage[] = earlierImages
    ? history.map((entry) => {
      const shown = entry.role === "user" ? earlierImages.get(entry.messageId) : undefined;
      return shown ? { role: "user" as const, text: entry.text, images: shown } : entry;
    })
    : history.slice();
  messages.push({ role: "user", text: envelope, images: images.length > 0 ? images : undefined });
  const [first] = messages;
  if (summary !== undefined && first) messages[0] = withSummary(first, summary);
  return { system, messages };
}

/** Messages with a summary, by the message without it: the same object for the same summary. */
const summarised = new WeakMap<
  ModelMessage,
  { readonly summary: string; readonly whole: ModelMessage }
>();

function withSummary(message: ModelMessage, summary: string): ModelMessage {
  const known = summarised.get(message);
  if (known?.summary === summary) return known.whole;
  const whole = { ...message, text: `${summary}\n${message.text}` };
  summarised.set(message, { summary, whole });
  return whole;
}

/** Milliseconds that a turn waits for the context, or for a starter. */
const PATIENCE_MS = 2_000;

/** Maximum number of loaded channels to remember. Barnacle reads a forgotten one once more. */
const BACKFILLED_MAX = 8_192;

const stateOf = perAccount("turns", ({ log }) => ({
  log,
  /** Histories that are being read. */
  running: new Map<ChannelId, Promise<void>>(),
  filled: createNewestSet<ChannelId>(BACKFILLED_MAX),
}));

/**
 * Loads a channel's context, once since the start for each of the newest {@link BACKFILLED_MAX}
 * channels. Never fails, and resolves after some seconds at most. The turn then goes on without the
 * context, and a later turn has it.
 *
 * @param limit Maximum number of messages to read; 0 reads none.
 * @returns `undefined` if there is nothing to wait for.
 */
export function backfill(
  account: BotAccount,
  message: InboundMessage,
  limit: number,
): Promise<unknown> | undefined {
  const { channelId } = message;
  const { filled, running } = stateOf(account);
  if (limit === 0 || filled.has(channelId)) return undefined;
  let reading = running.get(channelId);
  if (!reading) {
    reading = readBefore(account, message, limit).finally(() => {
      running.delete(channelId);
      filled.add(channelId);
    });
    running.set(channelId, reading);
  }
  return inTime(reading, PATIENCE_MS, account.schedule, () => undefined);
}

/** Stores what may be seen of a channel's history in the gateway's form, without own messages. */
async function readBefore(
  account: BotAccount,
  { channelId, guildId, id: before }: InboundMessage,
  limit: number,
): Promise<void> {
  const { accountId, reader: { self, index }, store, ended, now } = account;
  const { log } = stateOf(account);
  if (!self) return;
  try {
    const page = await readHistory(account.rest, channelId, {
      before,
      limit: Math.min(limit, MAX_HISTORY),
    });
    const visible = page.flatMap((message) => {
      const event = decodeHistory(message, guildId, { accountId, self, index });
      const isSeen = event?.kind === "message" && mayBeSeen(account, event);
      return isSeen ? [toOverheard(event)] : [];
    });
    await store.turns.addOverheard(accountId, channelId, visible, now());
  } catch (error) {
    if (ended.aborted) return;
    log.warn("Cannot read a channel's history; going on without it", { channelId, error });
  }
}

/**
 * Finds the message that a thread began with, by the same policy as live messages; `undefined`
 * outside threads, if the session has a turn already, and if the model may not see it. A failure or a
 * long wait at Discord only leaves it out. Rejects with the store's error.
 */
export function threadStarter(
  account: BotAccount,
  message: InboundMessage,
  sessionKey: string,
): Promise<Overheard | undefined> | undefined {
  const { place, id } = message;
  const thread = place.kind === "guild" ? place.thread : undefined;
  return thread && String(thread.id) !== id ? starterOf(account, message, sessionKey) : undefined;
}

async function starterOf(account: BotAccount, message: InboundMessage, sessionKey: string) {
  if ((await account.store.turns.entriesOf(sessionKey, 1)).length > 0) return undefined;
  const reading = readStarter(account, message).catch((error: unknown) => {
    if (account.ended.aborted) return undefined;
    const { channelId } = message;
    const { log } = stateOf(account);
    log.warn("Cannot read a thread's first message; going on without it", { channelId, error });
    return undefined;
  });
  return await inTime(reading, PATIENCE_MS, account.schedule, () => undefined);
}

/**
 * The thread of a message has the id of the message, which stands in the channel. A forum's post has
 * the same id, but stands in the thread itself.
 */
async function readStarter(
  account: BotAccount,
  { place, guildId }: InboundMessage,
): Promise<Overheard | undefined> {
  if (place.kind !== "guild" || !place.thread || guildId === undefined) return undefined;
  const { channel, thread } = place;
  const starterId = parseSnowflake<"message">(thread.id);
  const parent = account.reader.index.get(guildId)?.channels.get(channel.id);
  const isPost = parent !== undefined && isForum(parent);
  if (!starterId) return undefined;
  // Asking for the message itself is a 404 for each thread that began without one.
  const after = parseSnowflake<"message">(String(BigInt(starterId) - 1n));
  if (!after) return undefined;
  const [raw] = await readHistory(account.rest, isPost ? thread.id : channel.id, {
    after,
    limit: 1,
  });
  if (raw?.id !== starterId) return undefined;
  const shown = await show(account, raw, { guildId, isGroup: false, isElsewhere: false });
  return shown && {
    messageId: shown.id,
    tag: shown.from,
    authorId: shown.fromId,
    text: shown.text,
    sentAt: shown.timestampMs,
    replyTo: shown.replyTo || undefined,
  };
}

/** Milliseconds for which such results are shown in their turn. */
const SHOWN_MS = 5 * 60_000;

const OLD = "[out of date: the right to read this may have changed. Read it again if you need it.]";

/** Tools whose results show what their asker may read: any agent of the turn may have called them. */
const READING_TOOLS = TOOLS.filter(({ isPersonalCall }) => isPersonalCall);

export async function readSteps(
  { store: { turns }, now }: BotAccount,
  message: InboundMessage,
): Promise<StoredSteps> {
  return storedSteps(withoutOldResults(await turns.stepsOf(message.id), message, now()));
}

/** The steps, with a note in place of each old result of a call that reads for its asker alone. */
export function withoutOldResults(
  steps: readonly Step[],
  message: InboundMessage,
  now: number,
): readonly Step[] {
  /** The newest call with an id. */
  const calls = new Map<string, ToolCall>();

  function shown(step: Step): Step {
    switch (step.kind) {
      case "answer":
        for (const call of step.calls) calls.set(call.id, call);
        return step;
      case "result": {
        const call = calls.get(step.callId);
        const isShown = step.end !== "done" || Math.abs(now - step.at) < SHOWN_MS ||
          !call || !showsToAskerAlone(call, READING_TOOLS, message);
        return isShown ? step : { ...step, text: OLD };
      }
      default:
        return step;
    }
  }

  return steps.map(shown);
}
