/**
 * Brings the cards of questions up to date: new questions get cards, decided ones lose their
 * buttons, and questions whose time is over expire (A1, T10).
 *
 * It compares the store with the cards after each press, command, stop and start. So each step may be
 * repeated, and a crash loses none.
 *
 * @module
 */

import type { AccountId, ChannelId, UserId } from "../../core/discord/ids.ts";
import { nonceOfCall } from "../../core/outbound/nonce.ts";
import type { Frozen } from "../../core/outbound/outbound.ts";
import type { Question, StoredQuestion } from "../../core/people/question.ts";
import { MAX_TIMER_MS } from "../../lib/schedule.ts";
import type { Texts } from "../../render/notices/notices.ts";
import { choicesOf, composeCard, composeSettled } from "../../render/question_card.ts";
import { createRetryQueue, type RetryQueuePorts } from "../retry_queue.ts";

/** A new card with its controls. */
export interface NewCard {
  /** The message, with a nonce. */
  readonly frozen: Frozen;
  /** Its buttons, each with the key of its choice. */
  readonly controls: readonly { readonly customId: string; readonly choice: string }[];
}

/** Everything that cards need from outside. */
export interface QuestionCardsPorts extends RetryQueuePorts {
  /** The account whose bot asks. */
  readonly accountId: AccountId;
  /** The store's questions; each method is one transaction. */
  readonly store: {
    expire(accountId: AccountId, now: number): Promise<number>;
    withoutCards(accountId: AccountId): Promise<readonly StoredQuestion[]>;
    addCards(questionId: number, cards: readonly NewCard[], now: number): Promise<boolean>;
    withdraw(questionId: number, now: number): Promise<void>;
    outdated(accountId: AccountId): Promise<
      readonly {
        readonly id: number;
        readonly channelId: ChannelId;
        readonly nonce: string;
        readonly question: StoredQuestion;
      }[]
    >;
    settleCard(id: number, frozen: Frozen, now: number): Promise<void>;
    nextExpiry(accountId: AccountId): Promise<number | undefined>;
    hasWork(accountId: AccountId): Promise<boolean>;
  };
  /** Opens the direct channel with a user, or finds it. */
  readonly openDirect: (userId: UserId) => Promise<ChannelId>;
  /** Whether a failure to open it is final: the person takes no messages. */
  readonly isRefused: (error: unknown) => boolean;
  /** Returns this many cryptographically random bytes. */
  readonly draw: (count: number) => Uint8Array;
  /** Tells that these channels have new messages to send. */
  readonly onOutbox: (channels: readonly ChannelId[]) => void;
  /** Tells that turns may continue. */
  readonly onDecided: () => void;
  /** Returns the current texts, since the config may change. */
  readonly texts: () => Texts;
  /** Unix time in milliseconds. */
  readonly now: () => number;
}

/** The cards of one account. */
export interface QuestionCards {
  /** Brings everything up to date, now and whenever a question expires. */
  changed(): void;
  /** A question was decided: its turn may continue, and its cards must change. */
  decided(): void;
  /** Changes nothing more; the next start does. */
  stop(): Promise<void>;
}

/** Names of the components, by which a use is routed and its right is checked. */
const CONTROL_NAMES: Readonly<Record<Question["kind"], string>> = {
  approval: "ap",
  escalation: "esc",
  ask: "ask",
  limit: "go",
};

/** 128 bits. */
const CONTROL_BYTES = 16;

/** Creates the cards; nothing happens before {@link QuestionCards.changed}. */
export function createQuestionCards(ports: QuestionCardsPorts): QuestionCards {
  const { accountId, store, texts, now, schedule, log } = ports;
  const retries = createRetryQueue("Cannot bring a question to people up to date", ports);
  let cancel: (() => void) | undefined;
  let isQueued = false;
  let isStopped = false;

  function changed(): void {
    if (isQueued || isStopped) return;
    isQueued = true;
    retries.add(update);
  }

  async function update(): Promise<void> {
    isQueued = false; // a later change needs another run
    if (!await store.hasWork(accountId)) return;
    const expired = await store.expire(accountId, now());
    for (const question of await store.withoutCards(accountId)) await show(question);
    for (const card of await store.outdated(accountId)) {
      const { id, channelId, nonce: draftNonce, question } = card;
      const nonce = nonceOfCall(`settled:${draftNonce}`, 0);
      const place = { channelId, nonce, draftNonce };
      await store.settleCard(id, composeSettled(question, place, texts()), now());
      ports.onOutbox([channelId]);
    }
    if (expired > 0) ports.onDecided();
    await waitForNext();
  }

  async function show(stored: StoredQuestion): Promise<void> {
    const channels = await channelsOf(stored);
    if (channels.length === 0) {
      log.warn("A question can reach no one, so it counts as refused", {
        code: stored.code,
        tool: stored.question.tool,
      });
      await store.withdraw(stored.id, now());
      ports.onDecided();
      return;
    }
    const name = CONTROL_NAMES[stored.question.kind];
    const cards = channels.map((channelId, index): NewCard => {
      const controls = choicesOf(stored, texts()).map((choice) => ({
        ...choice,
        customId: `${name}:${hex(ports.draw(CONTROL_BYTES))}`,
      }));
      const place = { channelId, nonce: nonceOfCall(`question:${stored.code}`, index) };
      const buttons = controls.map(({ choice: _, ...button }) => button);
      return {
        frozen: composeCard(stored, place, buttons, texts()),
        controls: controls.map(({ customId, choice }) => ({ customId, choice })),
      };
    });
    if (await store.addCards(stored.id, cards, now())) ports.onOutbox(channels);
  }

  async function channelsOf(
    { channelId, question }: StoredQuestion,
  ): Promise<readonly ChannelId[]> {
    if (question.where === "channel") return [channelId];
    const people = question.asked === "anyone" ? [] : question.asked;
    const channels: ChannelId[] = [];
    for (const userId of people) {
      try {
        channels.push(await ports.openDirect(userId));
      } catch (error) {
        if (!ports.isRefused(error)) throw error;
        log.warn("A person who should decide takes no direct messages", { userId, error });
      }
    }
    return channels;
  }

  async function waitForNext(): Promise<void> {
    cancel?.();
    cancel = undefined;
    const next = await store.nextExpiry(accountId);
    if (next === undefined || isStopped) return;
    cancel = schedule(changed, Math.min(MAX_TIMER_MS, Math.max(0, next - now()) + 1));
  }

  return {
    changed,
    decided() {
      changed();
      ports.onDecided();
    },
    async stop() {
      isStopped = true;
      cancel?.();
      await retries.stop();
    },
  };
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
