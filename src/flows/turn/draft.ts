/**
 * Shows an answer while it is made: drafts that grow by edits (R8).
 *
 * A draft is posted by way of the outbox, so that a crash leaves none that
 * nobody knows of, and is changed by edits, which may be lost: the end of the
 * turn puts the last word in its place, whatever was shown before. Nothing here
 * can fail a turn. What it costs is one request at a time, where there is room.
 *
 * @module
 */

import type { DraftMessage } from "../../core/outbound/draft.ts";
import {
  type GrowthStep,
  nextStep,
  type ShownDraft,
  toDrafts,
} from "../../core/outbound/draft_growth.ts";
import type { ChannelId, MessageId } from "../../core/discord/ids.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import type { Frozen, PostOutcome } from "../../core/outbound/outbound.ts";
import type { Log } from "../../lib/log.ts";
import type { Schedule } from "../../lib/schedule.ts";
import { finishedPart, thinkingIn } from "../../render/markdown/unfinished.ts";

export interface DraftPorts {
  readonly outbox: {
    /** Adds a draft, or finds the one with its nonce and leaves it as it is. */
    add(draft: Frozen, now: number): Promise<AddedDraft>;
  };
  /** Asks Discord once, and only where there is room for it. */
  readonly edit: (messageId: MessageId, message: DraftMessage) => Promise<PostOutcome>;
  /** Takes whole secrets out of a text. */
  readonly cleanSecrets: (text: string) => string;
  /** Where a text without whole secrets may begin another; its length where it does not. */
  readonly secretTail: (text: string) => number;
  /** `textChunkLimit`: UTF-16 units of a message, at most. */
  readonly maxLength: number;
  /** The outbox has a new row of that channel. */
  readonly onOutbox: (channelId: ChannelId) => void;
  readonly schedule: Schedule;
  /** Unix time in milliseconds. */
  readonly now: () => number;
  readonly log: Log;
}

/** A draft as the outbox has it. */
export interface AddedDraft {
  readonly message: Pick<DraftMessage, "content">;
  readonly state: string;
  /** Set once it is sent, unless the message was gone by then. */
  readonly messageId?: MessageId;
}

/** What a text would be frozen to if it were the whole answer; nothing where none would be sent. */
export type ComposeDraft = (text: string) => readonly Frozen[];

export interface Drafts {
  /** A turn begins that answers a message. */
  begin(message: InboundMessage, compose: ComposeDraft): DraftStream;
  /** Discord has a message of the outbox. */
  posted(nonce: string, messageId: MessageId): void;
}

export interface DraftStream {
  /** @param soFar All of the answer that there is. */
  grow(soFar: string): void;
  /**
   * Ends it before the turn's end is stored: resolves once no request of it is under way, so that
   * none can come after the last word. Never rejects.
   */
  end(): Promise<void>;
}

/** An answer that is there by then is not shown in parts, in milliseconds. */
const FIRST_LOOK_MS = 1_000;

/** Discord takes five edits in five seconds of a channel. */
const EVERY_MS = 1_200;

/** UTF-16 units that are worth a message of their own. */
const LEAST_LENGTH = 40;

type EditStep = Extract<GrowthStep, { kind: "edit" }>;

export function createDrafts(ports: DraftPorts): Drafts {
  const { outbox, schedule, now, log } = ports;
  /** What waits for a draft's message to be known, by nonce. */
  const awaited = new Map<string, (messageId: MessageId) => void>();
  /** Unix time in milliseconds from which a channel may be asked again. */
  const freeAt = new Map<ChannelId, number>();
  /** Once the model was seen to think aloud, nothing is shown before the end of that. */
  let thinksAloud = false;

  /** @returns Whether all of an answer so far may be thinking that is not marked. */
  function mayBeThinking(text: string): boolean {
    const thinking = thinkingIn(text);
    if (thinking === "ended") thinksAloud = true;
    return thinking === "none" && thinksAloud;
  }

  function begin({ channelId }: InboundMessage, compose: ComposeDraft): DraftStream {
    const drafts: ShownDraft[] = [];
    let text = "";
    let composed: { readonly of: string; readonly drafts: readonly DraftMessage[] } | undefined;
    let isOver = false;
    let cancel: (() => void) | undefined;
    let underWay = Promise.resolve();
    for (const [channel, at] of freeAt) if (at <= now()) freeAt.delete(channel);

    function look(): void {
      const waitMs = (freeAt.get(channelId) ?? 0) - now();
      if (waitMs > 0) {
        cancel = schedule(look, Math.min(waitMs, EVERY_MS));
        return;
      }
      freeAt.set(channelId, Infinity);
      underWay = takeStep().catch((error: unknown) => {
        isOver = true;
        log.warn("An answer is not shown while it is made", { channelId, error });
        return 0;
      }).then((askedToWaitMs) => {
        const pauseMs = Math.max(EVERY_MS, askedToWaitMs);
        freeAt.set(channelId, now() + pauseMs);
        if (!isOver) cancel = schedule(look, pauseMs);
      });
    }

    /** @returns Milliseconds that Discord asks to wait. */
    async function takeStep(): Promise<number> {
      const wanted = wantedDrafts();
      if (isOver) return 0;
      const step = nextStep(drafts, wanted);
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

    function wantedDrafts(): readonly DraftMessage[] {
      if (composed?.of === text) return composed.drafts;
      const said = mayBeThinking(text) ? "" : ports.cleanSecrets(text);
      const harmless = said.slice(0, ports.secretTail(said));
      const finished = finishedPart(harmless, ports.maxLength);
      const isWorthIt = drafts.length > 0 || finished.trim().length >= LEAST_LENGTH;
      const frozen = isWorthIt ? compose(finished) : [];
      // It is too long to be shown, and will be a file: what is there stays until then.
      if (frozen.some(({ files }) => files.length > 0)) isOver = true;
      composed = { of: text, drafts: toDrafts(frozen, ports.maxLength) };
      return composed.drafts;
    }

    async function post(message: DraftMessage): Promise<void> {
      const part = drafts.push({ message }) - 1;
      awaited.set(message.nonce, (messageId) => {
        drafts[part] = { message, ...drafts[part], messageId };
      });
      // Where this turn ran before, the row is of that run, with what it had to say.
      const { state, messageId, message: { content } } = await outbox.add(
        { message, files: [] },
        now(),
      );
      ports.onOutbox(message.channelId);
      if (messageId !== undefined) drafts[part] = { message, messageId };
      else if (state === "sent") isOver = true; // and somebody has deleted it
      else drafts[part] = { message, content, ...drafts[part] };
    }

    /** @returns Milliseconds that Discord asks to wait. */
    async function edit({ part, messageId, message }: EditStep): Promise<number> {
      drafts[part] = { message, messageId };
      const outcome = await ports.edit(messageId, message);
      switch (outcome.kind) {
        case "created":
          drafts[part] = { message, messageId, content: message.content };
          return 0;
        case "unsent":
        case "unanswered":
          return 0;
        case "already_gone": // somebody did not want to see it
          isOver = true;
          return 0;
        case "refused":
          isOver ||= outcome.why !== "rate_limited";
          return outcome.retryAfterMs ?? 0;
      }
    }

    return {
      grow(soFar) {
        text = soFar;
        if (!isOver) cancel ??= schedule(look, FIRST_LOOK_MS);
      },
      async end() {
        isOver = true;
        cancel?.();
        await underWay;
        mayBeThinking(text); // for the next answer
        for (const { message } of drafts) awaited.delete(message.nonce);
      },
    };
  }

  return {
    begin,
    posted(nonce, messageId) {
      awaited.get(nonce)?.(messageId);
      awaited.delete(nonce);
    },
  };
}
