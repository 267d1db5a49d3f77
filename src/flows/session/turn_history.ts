/**
 * Opens the history of a turn: begins a new transcript if it is time (S4a), and shares the room
 * with the results of tools. Composes the request from the entries that fit.
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
 * by the rights of their moment are withheld then: people may have lost the right to read those
 * messages meanwhile (SEC-R4).
 */

import type { BotAccount } from "../../account/account.ts";
import { perAccount } from "../../account/per_account.ts";
import type { RequestRoom } from "../../agent/turn.ts";
import { type ChannelId, type MessageId, parseSnowflake } from "../../core/discord/ids.ts";
import { charsIn, hasImages, toolChars } from "../../core/model.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import type { Claim } from "../../core/inbound/inbox.ts";
import {
  type Entry,
  type FoldCause,
  type Overheard,
  toOverheard,
} from "../../core/inbound/mentions.ts";
import type {
  ContextWindow,
  Model,
  ModelImage,
  ModelMessage,
  ModelRequest,
  ModelUsage,
  ToolCall,
} from "../../core/model.ts";
import { isForum } from "../../core/rights/rights.ts";
import type { UsedBy } from "../../core/spending/budget.ts";
import { type Step, type StoredSteps, storedSteps } from "../../core/step.ts";
import { showsToAskerAlone } from "../../core/turn/tool.ts";
import { decodeHistory } from "../../discord/gateway/decode/decode.ts";
import { MAX_HISTORY, readHistory } from "../../discord/rest/requests/messages.ts";
import { createNewestSet } from "../../lib/cache.ts";
import { shownSummary } from "../../render/prompt/summary.ts";
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
import { compact } from "./compact.ts";

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
  return inTime(account, reading);
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

async function inTime<Read>({ schedule }: BotAccount, reading: Promise<Read>) {
  const { promise: isLate, resolve } = Promise.withResolvers<undefined>();
  const cancel = schedule(() => resolve(undefined), PATIENCE_MS);
  try {
    return await Promise.race([reading, isLate]);
  } finally {
    cancel();
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
  return await inTime(account, reading);
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
    const shared = (stepChars: number) => shareRoom(found, { freeChars, stepChars, userTurns });
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

/** Notes the tokens of a request. One with images tells nothing about the tokens of a text. */
export function observeTokens(
  account: BotAccount,
  request: ModelRequest,
  { inputTokens }: ModelUsage,
  modelId: string,
): void {
  if (hasImages(request.messages)) return;
  ratesOf(account).observe(modelId, charsIn(request) + toolChars(request.tools), inputTokens);
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
