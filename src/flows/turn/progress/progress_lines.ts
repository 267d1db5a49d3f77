/**
 * Shows what a turn does in one silent line, which the turn's end deletes (R8a). Where people do not
 * want it, it comes only while a slow server reads a prompt for long.
 *
 * The line is posted through the outbox, so that a crash leaves none that the store does not know.
 * Its edits may be lost. No failure here fails a turn.
 */

import type { BotAccount } from "../../../account/account.ts";
import { perAccount } from "../../../account/per_account.ts";
import { wakeChannels } from "../../../account/wakes.ts";
import { editMessage } from "../../../discord/rest/requests/messages.ts";
import type { NextStep } from "../../../agent/next_step.ts";
import { type ChannelId, type MessageId, parseSnowflake } from "../../../core/discord/ids.ts";
import {
  type DraftMessage,
  progressLine,
  type ProgressPlace,
} from "../../../core/outbound/draft.ts";
import { asideOf, progressText, type Work } from "../../../render/progress.ts";

/** The part of a turn's rules that its line needs. */
interface ProgressRules {
  /** Maximum number of requests to the model. */
  readonly maxSteps: number;
}

interface ProgressLine {
  /** Tells what the turn does next. */
  step(next: NextStep): void;
  /** A server reads a request, or has begun to answer, as a `ModelRequest` tells it. */
  reading(isReading: boolean): void;
  /** Shows text that the model has written beside its calls, composed as an answer. */
  said(text: string): void;
  /**
   * Ends the line; call it before storing the turn's end. Resolves once no request is under way, with
   * whether the outbox may have a line. Never rejects.
   */
  end(): Promise<boolean>;
}

/** Milliseconds before the line is posted. A faster turn has none. */
const FIRST_MS = 1_000;

/** Milliseconds of reading before the line says so. */
const READING_MS = 30_000;

/** Milliseconds between two requests. */
const EVERY_MS = 1_200;

/** Milliseconds between two edits that change only the seconds. */
const SECONDS_EVERY_MS = 5_000;

/** The lines of an account's turns. */
export const linesOf: (account: BotAccount) => ProgressLines = perAccount("turns", createLines);

function createLines(account: BotAccount) {
  const { store: { outbox }, rest, schedule, now, log } = account;
  const awaited = new Map<string, (messageId: MessageId) => void>();
  /** Unix time in milliseconds from which on a channel may get the next edit. */
  const freeAt = new Map<ChannelId, number>();

  function begin(
    place: ProgressPlace,
    { maxSteps: steps }: ProgressRules,
    mayShow: Promise<void> | undefined,
    isForReading: boolean,
  ): ProgressLine {
    const { channelId } = place;
    const startedAt = now();
    let work: Pick<Work, "tools" | "reads" | "step" | "aside"> = { tools: [], step: 1 };
    let shown: { readonly work: typeof work; readonly at: number } | undefined;
    let messageId: MessageId | undefined;
    let isPosted = false;
    let isOver = false;
    let readingAt: number | undefined;
    let dueAt = startedAt;
    let cancel: (() => void) | undefined;
    let underWay: Promise<unknown> = Promise.resolve();

    function lineNow(): DraftMessage {
      const seconds = Math.max(0, Math.round((now() - startedAt) / 1_000));
      const isReading = readingAt !== undefined && now() - readingAt >= READING_MS;
      const shown = { ...work, steps, seconds, channelId, isReading };
      return progressLine(place, progressText(shown));
    }
    let nonce: string | undefined;

    function later(ms: number): void {
      cancel?.();
      dueAt = now() + ms;
      if (!isOver) cancel = schedule(tryRequest, ms);
    }

    function begins(ms: number): void {
      if (mayShow) void mayShow.then(() => later(ms));
      else later(ms);
    }

    function tryRequest(): void {
      if (isForReading && !isPosted && readingAt === undefined) return;
      if (readingAt !== undefined && now() - dueAt > READING_MS) { // the machine was suspended
        readingAt = now();
        if (!isPosted) return later(READING_MS);
      }
      const waitMs = (freeAt.get(channelId) ?? 0) - now();
      if (waitMs > 0) return later(Math.min(waitMs, EVERY_MS));
      underWay = (isPosted ? update() : post()).then(later, (error: unknown) => {
        isOver = true;
        log.warn("Cannot show the progress of a turn", { channelId, error });
      });
    }

    /** @returns Milliseconds until the next request. */
    async function post(): Promise<number> {
      isPosted = true;
      shown = { work, at: now() };
      // If this turn ran before, the row is that run's.
      const message = lineNow();
      nonce = message.nonce;
      awaited.set(nonce, (id) => void (messageId = id));
      const row = await outbox.add({ message, files: [] }, now());
      if (row.message.content !== message.content) shown = undefined;
      wakeChannels(account, [channelId]);
      if (row.messageId !== undefined) messageId = row.messageId;
      else if (row.state === "sent") isOver = true; // and a person has deleted it
      return EVERY_MS;
    }

    /** @returns Milliseconds until the next request. */
    async function update(): Promise<number> {
      const isNew = shown?.work !== work || now() - shown.at >= SECONDS_EVERY_MS;
      if (messageId === undefined || !isNew) return EVERY_MS;
      freeAt.set(channelId, now() + EVERY_MS);
      const wanted = { work, at: now() };
      const outcome = await editMessage(rest, messageId, lineNow(), [], "spare");
      switch (outcome.kind) {
        case "created":
          shown = wanted;
          return EVERY_MS;
        case "unsent":
        case "unanswered":
          return EVERY_MS;
        case "already_gone": // a person has deleted it
          isOver = true;
          return 0;
        case "refused":
          isOver ||= outcome.why !== "rate_limited";
          return Math.max(EVERY_MS, outcome.retryAfterMs ?? 0);
      }
    }

    if (!isForReading) begins(FIRST_MS);
    return {
      reading(isReading) {
        readingAt = isReading ? now() : undefined;
        if (!isForReading || isPosted) return;
        if (isReading) begins(READING_MS);
        else cancel?.();
      },
      step(next) {
        const { aside } = work;
        work = next.kind === "ask"
          ? { tools: [], step: next.answers + 1, aside }
          : { step: work.step, ...toolsIn(next), aside };
      },
      said(text) {
        work = { ...work, aside: asideOf(text) };
      },
      async end() {
        isOver = true;
        cancel?.();
        await underWay;
        if (nonce !== undefined) awaited.delete(nonce);
        return isPosted;
      },
    };
  }

  return {
    /**
     * Starts the line of one turn.
     *
     * @param mayShow Resolves once the line may be posted; absent: it may at once.
     * @param isForReading Whether only a server that reads for long brings the line; `false` by default.
     */
    begin(
      place: ProgressPlace,
      rules: ProgressRules,
      mayShow?: Promise<void>,
      isForReading = false,
    ): ProgressLine {
      for (const [channel, at] of freeAt) if (at <= now()) freeAt.delete(channel);
      return begin(place, rules, mayShow, isForReading);
    },
    /** Tells that Discord has a message of the outbox. */
    posted(nonce: string, messageId: MessageId): void {
      awaited.get(nonce)?.(messageId);
      awaited.delete(nonce);
    },
  };
}

export type ProgressLines = ReturnType<typeof createLines>;

/** The names of the running tools, and the channel that one of them reads. */
function toolsIn(next: Exclude<NextStep, { kind: "ask" }>) {
  const calls = next.kind === "run" ? next.calls : [next.call];
  const read = calls.find(({ name }) => name === "read_channel_history");
  const reads = read && parseSnowflake<"channel">(CHANNEL.exec(read.arguments)?.[1] ?? "");
  return { tools: calls.map(({ name }) => name), reads: reads || undefined };
}

/** The argument `channelId` of a call; only its digits get into the line. */
const CHANNEL = /"channelId"\s*:\s*"(?:<#|channel:)?(\d{15,20})[>"]/;
