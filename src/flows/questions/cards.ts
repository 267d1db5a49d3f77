/**
 * Brings the cards of questions up to date: new questions get cards, decided ones lose their
 * buttons, and questions whose time is over expire (A1, T10).
 *
 * It compares the store with the cards after each press, command, stop and start. So each step may be
 * repeated, and a crash loses none.
 */

import type { BotAccount } from "../../account/account.ts";
import {
  changedInAll,
  type Loop,
  loop,
  perAccount,
  wakeChannels,
  wakeTurns,
} from "../../account/per_account.ts";
import type { ChannelId, UserId } from "../../core/discord/ids.ts";
import type { Finding } from "../../core/finding.ts";
import { nonceOfCall } from "../../core/outbound/outbound.ts";
import type {
  Deciding,
  DecidingOutcome,
  Question,
  StoredQuestion,
} from "../../core/people/question.ts";
import { openDirect } from "../../discord/rest/requests/guild_reads.ts";
import { isRefusal } from "../../discord/rest/exchange/exchange.ts";
import { MAX_TIMER_MS } from "../../lib/clock.ts";
import { composeCard, composeSettled, controlsOf } from "../../render/questions/card.ts";
import { tellChannel } from "../tell.ts";
import { createRetryQueue } from "../retry_queue.ts";
import type { NewCard } from "../../store/questions/questions.ts";

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

/** People who should decide, but whose direct messages Discord refuses to the bot, with its words. */
const unreachable = perAccount("questions", () => new Map<UserId, string>());

interface CardWork {
  readonly changed: () => void;
  readonly gone: (ids: readonly string[]) => void;
}

/** Keeps the cards of an account up to date, now and whenever a question expires. */
export const cards: Loop<CardWork> = loop("questions", (account) => {
  const retries = createRetryQueue("Cannot bring a question to people up to date", account);
  let cancel: (() => void) | undefined;
  let isQueued = false;
  let isStopped = false;

  function changed(): void {
    if (isQueued || isStopped) return;
    isQueued = true;
    retries.add(async () => {
      isQueued = false; // a later change needs another run
      const next = await update(account);
      cancel?.();
      if (next === undefined || isStopped) return;
      const waitMs = Math.min(MAX_TIMER_MS, Math.max(0, next - account.now()) + 1);
      cancel = account.schedule(changed, waitMs);
    });
  }

  changed();
  return {
    changed,
    gone(ids: readonly string[]) {
      retries.add(async () => {
        const { accountId, store: { questions } } = account;
        if (await questions.hasWork(accountId) && await questions.cardsGone(accountId, ids) > 0) {
          changed();
        }
      });
    },
    /** Changes nothing more; the next start does. */
    async stop() {
      isStopped = true;
      cancel?.();
      await retries.stop();
    },
  };
});

/** Questions have changed: their cards must. */
export function updateCards(account: BotAccount): void {
  cards.of(account)?.changed();
}

/**
 * Messages, channels or guilds are gone. A question whose cards were there ends.
 *
 * @param gone Their ids.
 */
export function cardsGone(account: BotAccount, gone: readonly string[]): void {
  cards.of(account)?.gone(gone);
}

/** People or the clock have decided questions: turns may begin or continue, too. */
export function decided(account: BotAccount): void {
  updateCards(account);
  wakeTurns(account);
}

/** A person decides a question. */
export async function decideQuestion(
  account: BotAccount,
  deciding: Deciding,
): Promise<DecidingOutcome> {
  const outcome = await account.store.questions.decide(deciding);
  if (outcome.kind === "decided" || outcome.kind === "closed") {
    decided(account);
    changedInAll(account.bot, "questions"); // one about a skill's tool is one for all bots
  }
  return outcome;
}

/**
 * Offers the forms whose buttons people can press now, so that the gateway's thread opens them.
 * Rejects if the store fails.
 */
export async function offerForms(
  { accountId, store: { questions }, connection, now }: BotAccount,
): Promise<void> {
  connection.setForms(await questions.openForms(accountId, now()));
}

/** People who should decide, but get no card, for health. */
export function cardFindings(account: BotAccount): readonly Finding[] {
  return Array.from(unreachable(account), ([userId, reason]) => ({
    id: "questions:cards",
    what: "Questions",
    status: "warn",
    why: `questions do not reach the user ${userId}: ${reason}`,
    fix: "the person must allow direct messages from members of a server that the bot is in, too",
  }));
}

/** @returns Unix time in milliseconds at which the next question expires. */
async function update(account: BotAccount): Promise<number | undefined> {
  const { accountId, store: { questions }, now } = account;
  if (!await questions.hasWork(accountId)) return undefined;
  const expired = await questions.expire(accountId, now());
  for (const question of await questions.withoutCards(accountId)) await show(account, question);
  for (const { question, reason } of await questions.undeliverable(accountId)) {
    const { asked, where } = question.question;
    const isDirect = where === "direct" && asked !== "anyone" && reason !== undefined;
    for (const userId of isDirect ? asked : []) cannotReach(account, userId, reason ?? "");
    await giveUp(account, question);
  }
  for (const card of await questions.outdated(accountId)) {
    const { channelId, nonce: draftNonce, question, isCard = asCards(account) } = card;
    const nonce = nonceOfCall(`settled:${draftNonce} ${question.question.text}`, 0);
    const place = { channelId, nonce, isCard, draftNonce };
    await questions.settleCard(card, composeSettled(question, place), now());
    wakeChannels(account, [channelId]);
  }
  await offerForms(account);
  if (expired > 0) decided(account);
  return await questions.nextExpiry(accountId);
}

async function show(account: BotAccount, stored: StoredQuestion): Promise<void> {
  const { store: { questions }, now } = account;
  const channels = await channelsOf(account, stored);
  if (channels.length === 0) return await giveUp(account, stored);
  const drawn = channels.map((channelId, index): NewCard => {
    const name = CONTROL_NAMES[stored.question.kind];
    const draw = () => `${name}:${account.draw(CONTROL_BYTES).toHex()}`; // a new `custom_id`
    const { buttons, menus } = controlsOf(stored);
    const named = {
      buttons: buttons.map(({ choice: _, ...button }) => ({ ...button, customId: draw() })),
      menus: menus.map(({ choice: _, ...menu }) => ({ ...menu, customId: draw() })),
    };
    const nonce = nonceOfCall(`question:${stored.code}`, index);
    const choices = [...buttons, ...menus].map(({ choice }) => choice);
    return {
      frozen: composeCard(stored, { channelId, nonce, isCard: asCards(account) }, named),
      controls: [...named.buttons, ...named.menus].map(({ customId }, at) => ({
        customId,
        choice: choices[at] ?? "",
      })),
    };
  });
  if (!await questions.addCards(stored.id, drawn, now())) return;
  if (stored.question.form) await offerForms(account); // before a person can press the button
  wakeChannels(account, channels);
}

/** Whether new questions are in Discord's second layout; otherwise they are text. */
function asCards({ config }: BotAccount): boolean {
  return config().messages.cards === "components";
}

/**
 * Ends a question that no one can answer. The turn goes on, and its answer tells that. If it needed
 * other people than those who read it, a notice names them.
 */
async function giveUp(
  account: BotAccount,
  { id, code, channelId, question: { tool, asked, where } }: StoredQuestion,
): Promise<void> {
  const { store: { questions }, now, log } = account;
  log.warn("A question can reach no one, so it counts as refused", { code, tool });
  await questions.withdraw(id, now());
  decided(account);
  if (where === "channel") return;
  const people = asked === "anyone" ? "" : asked.map((user) => `<@${user}>`).join(", ");
  await tellChannel(
    account,
    channelId,
    `This needs a decision of ${people}, but Discord doesn't let me write to them, so I ` +
      "go on without it. They can allow direct messages from members of this server.",
  );
}

function cannotReach(account: BotAccount, userId: UserId, reason: string): void {
  const known = unreachable(account);
  if (known.size < UNREACHABLE_MAX) known.set(userId, reason);
  account.log.warn("A person who should decide takes no direct messages", { userId, reason });
}

async function channelsOf(
  account: BotAccount,
  { channelId, question: { where, asked } }: StoredQuestion,
): Promise<readonly ChannelId[]> {
  if (where === "channel") return [channelId];
  const channels: ChannelId[] = [];
  for (const userId of asked === "anyone" ? [] : asked) {
    try {
      channels.push(await openDirect(account.rest, userId));
      unreachable(account).delete(userId);
    } catch (error) {
      if (!isRefusal(error)) throw error; // a question goes to the other people, and waits for none
      cannotReach(account, userId, error instanceof Error ? error.message : String(error));
    }
  }
  return channels;
}
