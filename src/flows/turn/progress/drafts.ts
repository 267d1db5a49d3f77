/**
 * Shows one answer while the model writes it: posts drafts and edits them (R8).
 *
 * A draft is posted through the outbox, so that a crash leaves none that the store does not know.
 * Edits change it and may be lost: the end of the turn puts the final text in its place. No failure
 * here fails a turn. It costs one request at a time, and only if rate limits leave room.
 */

import type { BotAccount } from "../../../account/account.ts";
import { perAccount } from "../../../account/per_account.ts";
import { cleanSecrets, secretTail } from "../../../account/secrets.ts";
import { wakeChannels } from "../../../account/wakes.ts";
import { editMessage } from "../../../discord/rest/requests/messages.ts";
import type { ChannelId, MessageId } from "../../../core/discord/ids.ts";
import {
  type DraftMessage,
  type DraftStep,
  nextDraftStep,
  type ShownDraft,
  toDrafts,
} from "../../../core/outbound/draft.ts";
import type { Frozen } from "../../../core/outbound/outbound.ts";
import { finishedPart, thinkingIn } from "../../../render/markdown/unfinished.ts";
import type { OneTurn } from "../turn_step.ts";

export interface DraftStream {
  /** Tells that the answer has grown, or begins again. */
  grow(soFar: string): void;
  /** Whether a draft is posted, or about to be. */
  isShown(): boolean;
  /**
   * Ends the drafts; call it before storing the turn's end. Resolves once no request is under way,
   * so that none can follow the final text. Never rejects.
   */
  end(): Promise<void>;
}

/** Milliseconds before the first draft. A faster answer has none. */
const FIRST_DRAFT_MS = 1_000;

/** Milliseconds between two requests. Discord accepts five edits in five seconds per channel. */
const EVERY_MS = 1_200;

/** Creates the drafts of one answer. Sends nothing before {@link DraftStream.grow}. */
function createDraftStream(
  turn: OneTurn,
  compose: ComposeDraft,
  { awaited, freeAt, mayBeThinking }: {
    /** Callbacks for the ids of posted drafts, by nonce. */
    readonly awaited: Map<string, (messageId: MessageId) => void>;
    /** Unix time in milliseconds from which on a channel may get the next request. */
    readonly freeAt: Map<ChannelId, number>;
    /** Whether all of an answer so far may be thinking that is not marked. */
    readonly mayBeThinking: (text: string) => boolean;
  },
): DraftStream {
  const { account, turn: { claim: { message: { channelId } }, mayShow } } = turn;
  const { store: { outbox }, rest, schedule, now, log } = account;
  const wantedOf = createDraftText(turn, compose, mayBeThinking);
  const drafts: ShownDraft[] = [];
  let text = "";
  let isOver = false;
  let isHidden = mayShow !== undefined;
  let cancel: (() => void) | undefined;
  let underWay = Promise.resolve();

  function tryStep(): void {
    const waitMs = (freeAt.get(channelId) ?? 0) - now();
    if (waitMs > 0) {
      cancel = schedule(tryStep, Math.min(waitMs, EVERY_MS));
      return;
    }
    freeAt.set(channelId, Infinity);
    underWay = takeStep().catch((error: unknown) => {
      isOver = true;
      log.warn("Cannot show an answer while the model writes it", { channelId, error });
      return 0;
    }).then((askedToWaitMs) => {
      const pauseMs = Math.max(EVERY_MS, askedToWaitMs);
      freeAt.set(channelId, now() + pauseMs);
      if (!isOver) cancel = schedule(tryStep, pauseMs);
    });
  }

  /** @returns Milliseconds that Discord asks to wait. */
  async function takeStep(): Promise<number> {
    const { drafts: wanted, isFile } = wantedOf(text, drafts.length > 0);
    if (isFile) isOver = true; // posted drafts stay until the file is sent
    if (isOver) return 0;
    const step = nextDraftStep(drafts, wanted);
    switch (step.kind) {
      case "none":
        return 0;
      case "post":
        await post(step.message);
        return 0;
      case "edit":
        return await edit(step);
    }
  }

  async function post(message: DraftMessage): Promise<void> {
    const part = drafts.push({ message }) - 1;
    awaited.set(message.nonce, (messageId) => {
      drafts[part] = { message, ...drafts[part], messageId };
    });
    // If this turn ran before, the row is that run's, with its text.
    const { state, messageId, message: { content } } = await outbox.add(
      { message, files: [] },
      now(),
    );
    wakeChannels(account, [message.channelId]);
    if (messageId !== undefined) drafts[part] = { message, messageId };
    else if (state === "sent") isOver = true; // and a person has deleted it
    else drafts[part] = { message, content, ...drafts[part] };
  }

  /** @returns Milliseconds that Discord asks to wait. */
  async function edit(
    { part, messageId, message }: Extract<DraftStep, { kind: "edit" }>,
  ): Promise<number> {
    drafts[part] = { message, messageId };
    const outcome = await editMessage(rest, messageId, message, [], "spare");
    switch (outcome.kind) {
      case "created":
        drafts[part] = { message, messageId, content: message.content };
        return 0;
      case "unsent":
      case "unanswered":
        return 0;
      case "already_gone": // a person has deleted it
        isOver = true;
        return 0;
      case "refused":
        isOver ||= outcome.why !== "rate_limited";
        return outcome.retryAfterMs ?? 0;
    }
  }

  function begin(): void {
    if (!isOver && !isHidden) cancel ??= schedule(tryStep, FIRST_DRAFT_MS);
  }
  void mayShow?.then(() => {
    isHidden = false;
    if (text !== "") begin();
  });

  return {
    grow(soFar) {
      text = soFar;
      begin();
    },
    isShown: () => drafts.length > 0,
    async end() {
      isOver = true;
      cancel?.();
      await underWay;
      mayBeThinking(text); // for the next answer
      for (const { message } of drafts) awaited.delete(message.nonce);
    },
  };
}

/** The messages of an answer that consists of this text; empty if there would be none. */
export type ComposeDraft = (text: string) => readonly Frozen[];

interface WantedDrafts {
  /** Messages in their order; empty while there is nothing to show. */
  readonly drafts: readonly DraftMessage[];
  /** Whether the text is too long for messages and will be a file. */
  readonly isFile: boolean;
}

/** Shortest text, in UTF-16 units, for a first draft. */
const LEAST_LENGTH = 40;

/**
 * Creates the choice for one answer. It remembers the drafts of the newest text.
 *
 * @param mayBeThinking Whether all of a text may be thinking that is not marked.
 * @returns Chooses the drafts of a text; `hasDrafts` tells whether any is shown already.
 */
function createDraftText(
  { account, config: { discord: { textChunkLimit: maxLength } } }: OneTurn,
  compose: ComposeDraft,
  mayBeThinking: (text: string) => boolean,
): (text: string, hasDrafts: boolean) => WantedDrafts {
  let last: { readonly of: string; readonly wanted: WantedDrafts } | undefined;
  return (text, hasDrafts) => {
    if (last?.of === text) return last.wanted;
    const harmless = mayBeThinking(text) ? "" : withoutSecrets(account, text);
    const finished = finishedPart(harmless, maxLength);
    const isWorthIt = hasDrafts || finished.trim().length >= LEAST_LENGTH;
    const frozen = isWorthIt ? compose(finished) : [];
    const isFile = frozen.some(({ files }) => files.length > 0);
    const wanted = { drafts: toDrafts(frozen, maxLength), isFile };
    last = { of: text, wanted };
    return wanted;
  };
}

/** A growing text without secrets, or the beginning of one. */
function withoutSecrets(account: BotAccount, text: string): string {
  const clean = cleanSecrets(account, text);
  return clean.slice(0, secretTail(account, clean));
}

/** The drafts of an account's answers. */
export const draftsOf: (account: BotAccount) => Drafts = perAccount("turns", createDrafts);

function createDrafts(account: BotAccount) {
  const { now } = account;
  const awaited = new Map<string, (messageId: MessageId) => void>();
  const freeAt = new Map<ChannelId, number>();
  /**
   * Whether an earlier answer contained thinking without its start mark. Then no text is shown before
   * the mark that ends the thinking.
   */
  let thinksAloud = false;

  function mayBeThinking(text: string): boolean {
    const thinking = thinkingIn(text);
    if (thinking === "ended") thinksAloud = true;
    return thinking === "none" && thinksAloud;
  }

  const shared = { awaited, freeAt, mayBeThinking };
  return {
    /** Starts the drafts of one turn's answer. */
    begin(turn: OneTurn, compose: ComposeDraft): DraftStream {
      for (const [channel, at] of freeAt) if (at <= now()) freeAt.delete(channel);
      return createDraftStream(turn, compose, shared);
    },
    /** The part of a growing answer that may be shown elsewhere, too. */
    harmlessPart: (text: string): string =>
      mayBeThinking(text) ? "" : withoutSecrets(account, text),
    /** Tells that Discord has a message of the outbox. */
    posted(nonce: string, messageId: MessageId): void {
      awaited.get(nonce)?.(messageId);
      awaited.delete(nonce);
    },
  };
}

export type Drafts = ReturnType<typeof createDrafts>;
