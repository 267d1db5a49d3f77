/**
 * Brings the cards of questions up to date: new questions get cards, decided ones lose their
 * buttons, and questions whose time is over expire (A1, T10).
 *
 * It compares the store with the cards after each press, command, stop and start. So each step may be
 * repeated, and a crash loses none.
 */

import type { OpenDirect } from "../../core/outbound/requests.ts";
import type { ChannelId, UserId } from "../../core/discord/ids.ts";
import type { Finding } from "../../core/finding.ts";
import { nonceOfCall } from "../../core/outbound/nonce.ts";
import type { Question, StoredQuestion } from "../../core/people/question.ts";
import { MAX_TIMER_MS } from "../../lib/clock.ts";
import { composeCard, composeSettled, controlsOf } from "../../render/questions/card.ts";
import { createRetryQueue } from "../retry_queue.ts";
import type { NewCard } from "../../core/store/questions.ts";
import type { Emits } from "../../core/account/events.ts";
import type { Account } from "../../core/account/account.ts";
import type { Cards } from "../../store/questions/cards.ts";

/** Names of the components, by which a use is routed and its right is checked. */
const CONTROL_NAMES: Readonly<Record<Question["kind"], string>> = {
  approval: "ap",
  skill: "skill",
  ask: "ask",
  limit: "go",
};
/** Maximum number of people that health names. */
const UNREACHABLE_MAX = 5;

/** 128 bits. */
const CONTROL_BYTES = 16;

/** Creates the cards; nothing happens before {@link QuestionCards.changed}. */
export function createQuestionCards(
  account:
    & Pick<
      Account<{
        readonly questions: Cards;
      }>,
      "accountId" | "draw" | "log" | "now" | "random" | "schedule" | "store"
    >
    & Emits<"decided" | "formsOpen" | "outbox">,
  ports: {
    readonly openDirect: OpenDirect;
    /** Whether a failure to open it is a refusal: other people may decide. */
    readonly isRefused: (error: unknown) => boolean;
    readonly tellChannel: (channelId: ChannelId, text: string) => Promise<void>;
    /** Whether new questions are in Discord's second layout; otherwise they are text. */
    readonly asCards: () => boolean;
  },
) {
  const { accountId, store: { questions: store }, now, schedule, log } = account;
  const retries = createRetryQueue("Cannot bring a question to people up to date", account);
  /** People who should decide, but whose direct messages Discord refuses to the bot, with its words. */
  const unreachable = new Map<UserId, string>();
  let cancel: (() => void) | undefined;
  let isQueued = false;
  let isStopped = false;

  /** A new `custom_id` of a component. */
  const draw = (name: string) => `${name}:${account.draw(CONTROL_BYTES).toHex()}`;

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
    for (const { question, reason } of await store.undeliverable(accountId)) {
      const { asked } = question.question;
      if (asked !== "anyone") { for (const userId of asked) cannotReach(userId, reason); }
      await giveUp(question);
    }
    for (const card of await store.outdated(accountId)) {
      const { channelId, nonce: draftNonce, question, isCard = ports.asCards() } = card;
      const nonce = nonceOfCall(`settled:${draftNonce} ${question.question.text}`, 0);
      const place = { channelId, nonce, isCard, draftNonce };
      await store.settleCard(card, composeSettled(question, place), now());
      account.events.emit.outbox([channelId]);
    }
    await offer();
    if (expired > 0) account.events.emit.decided();
    await waitForNext();
  }

  async function show(stored: StoredQuestion): Promise<void> {
    const channels = await channelsOf(stored);
    if (channels.length === 0) return await giveUp(stored);
    const cards = channels.map((channelId, index): NewCard => {
      const name = CONTROL_NAMES[stored.question.kind];
      const { buttons, menus } = controlsOf(stored);
      const named = {
        buttons: buttons.map(({ choice: _, ...button }) => ({ ...button, customId: draw(name) })),
        menus: menus.map(({ choice: _, ...menu }) => ({ ...menu, customId: draw(name) })),
      };
      const place = {
        channelId,
        nonce: nonceOfCall(`question:${stored.code}`, index),
        isCard: ports.asCards(),
      };
      const choices = [...buttons, ...menus].map(({ choice }) => choice);
      return {
        frozen: composeCard(stored, place, named),
        controls: [...named.buttons, ...named.menus].map(({ customId }, at) => ({
          customId,
          choice: choices[at] ?? "",
        })),
      };
    });
    if (!await store.addCards(stored.id, cards, now())) return;
    if (stored.question.form) await offer(); // before a person can press the button
    account.events.emit.outbox(channels);
  }

  /** Ends a question that can reach no one, and says so in its place. */
  async function giveUp({ id, code, channelId, question }: StoredQuestion): Promise<void> {
    const { tool, asked } = question;
    log.warn("A question can reach no one, so it counts as refused", { code, tool });
    await store.withdraw(id, now());
    account.events.emit.decided();
    const people = asked === "anyone" ? "" : asked.map((user) => `<@${user}>`).join(", ");
    await ports.tellChannel(
      channelId,
      `This needs a decision of ${people}, but Discord doesn't let me write to them, so I ` +
        "go on without it. They can allow direct messages from members of this server.",
    );
  }

  function cannotReach(userId: UserId, reason: string): void {
    if (unreachable.size < UNREACHABLE_MAX) unreachable.set(userId, reason);
    log.warn("A person who should decide takes no direct messages", { userId, reason });
  }

  async function offer(): Promise<void> {
    account.events.emit.formsOpen(await store.openForms(accountId, now()));
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
        unreachable.delete(userId);
      } catch (error) {
        if (!ports.isRefused(error)) throw error;
        cannotReach(userId, error instanceof Error ? error.message : String(error));
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
    /**
     * Offers the forms of the last run, so that the gateway's thread opens them from its start on.
     * Then it brings everything up to date. Rejects if the store fails.
     */
    async start(): Promise<void> {
      await offer();
      changed();
    },
    /** Brings everything up to date, now and whenever a question expires. */
    changed,
    /** People who should decide, but get no card, for health. */
    findings: (): readonly Finding[] =>
      Array.from(unreachable, ([userId, reason]) => ({
        id: "questions:cards",
        what: "Questions",
        status: "warn",
        why: `questions do not reach the user ${userId}: ${reason}`,
        fix:
          "the person must allow direct messages from members of a server that the bot is in, too",
      })),
    /** Changes nothing more; the next start does. */
    async stop(): Promise<void> {
      isStopped = true;
      cancel?.();
      await retries.stop();
    },
  };
}

export type QuestionCards = ReturnType<typeof createQuestionCards>;
