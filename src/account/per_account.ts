/**
 * Keeps the state of modules for each account, so that no composition has to make and pass it: of any
 * module, of work that goes on by itself, and of the filters for secrets.
 *
 * Two hubs are woken by everything and use everything: turns, and the queues of channels. They set
 * how, so that no module has to import them for it. The REST client, which exists before their code
 * is loaded, tells them by the same way; and the core tells features, whose names it does not know.
 */

import type { ChannelId, MessageId, UserId } from "../core/discord/ids.ts";
import { createBySecrets } from "../lib/cache.ts";
import { createSecretFilter, createSecretTail } from "../render/safety/secrets.ts";
import type { Store } from "../store/store.ts";
import type { Bot, BotAccount } from "./account.ts";

/** Number of modules with state; each has a place of its own in the states of an account. */
let slots = 0;

/**
 * State of a module: made at its first use in an account, and kept across reloads.
 *
 * @param part Names the part in the log.
 */
export function perAccount<State extends object>(
  part: string,
  make: (account: BotAccount) => State,
): (account: BotAccount) => State {
  const slot = slots++;
  return (account) => (account.live[slot] ??= make(account.forPart(part))) as State;
}

/** Work of an account that goes on by itself, from a start to a stop. */
export interface Loop<Running = unknown> {
  /** Begins it. Later calls do nothing, also after the end. */
  start(account: BotAccount): void;
  /** Ends what runs and begins anew, by another config; before its start, it does nothing. */
  restart(account: BotAccount): Promise<void>;
  /** Ends it for good, and resolves once nothing of it runs. */
  stop(account: BotAccount): Promise<void>;
  /** What runs now, also for a turn that began before the last reload; `undefined`: nothing. */
  of(account: BotAccount): Running | undefined;
}

interface Slot<Running> {
  running?: Running;
  isBegun?: true;
  isEnded?: true;
}

/**
 * Declares such work.
 *
 * @param begin Begins it. Not called again before what it returned has stopped.
 */
export function loop<Running extends { stop(): Promise<void> | void }>(
  part: string,
  begin: (account: BotAccount) => Running,
): Loop<Running> {
  const slotOf = perAccount(part, (): Slot<Running> => ({}));
  const start = (account: BotAccount) => {
    const slot = slotOf(account);
    if (slot.isBegun) return;
    slot.isBegun = true;
    if (!slot.isEnded) slot.running = begin(account.forPart(part));
  };
  return {
    start,
    of: (account) => slotOf(account).running,
    async restart(account) {
      const slot = slotOf(account);
      const { running } = slot;
      if (!running) return;
      slot.running = undefined;
      await running.stop();
      if (!slot.isEnded) slot.running = begin(account.forPart(part));
    },
    async stop(account) {
      const slot = slotOf(account);
      slot.isEnded = true;
      await slot.running?.stop();
      slot.running = undefined;
    },
  };
}

interface Wakes {
  turns: () => void;
  channels: (channels?: readonly ChannelId[]) => void;
  /** Discord has carried out a request to a channel. */
  served: (channelId: ChannelId) => void;
  /** Sending pauses, because Discord counted too many invalid requests. */
  stopped: (invalidRequests: number) => void;
  /** The turn of a scheduled task has ended, or Discord does not take a message of a cause. */
  runEnded: (cause: MessageId) => void;
  /** Events of hooks are stored, or the turn of some has ended: further ones may be answered. */
  hooks: () => void;
}

/** Set by the hubs once, while the account is made. */
export const wakes: (account: BotAccount) => Wakes = perAccount(
  "main",
  () => ({ turns() {}, channels() {}, served() {}, stopped() {}, runEnded() {}, hooks() {} }),
);

/** Messages may wait for a turn. */
export function wakeTurns(account: BotAccount): void {
  wakes(account).turns();
}

/** The outbox has messages for these channels; absent: for any. */
export function wakeChannels(account: BotAccount, channels?: readonly ChannelId[]): void {
  wakes(account).channels(channels);
}

/**
 * Tells all accounts of changed rows of a namespace: they share a memory (X5).
 *
 * @param forgotten The person whom a command has forgotten.
 */
export function changedInAll(bot: Bot, namespace: keyof Store, forgotten?: UserId): void {
  for (const one of bot.accounts.values()) one.changedByCommand(namespace, forgotten);
}

const filters = perAccount("main", ({ bot: { logging: { secrets } } }) => ({
  clean: createBySecrets(secrets, createSecretFilter),
  tail: createBySecrets(secrets, createSecretTail),
}));

/** Removes them from a text before it is posted (SEC-R10). */
export function cleanSecrets(account: BotAccount, text: string): string {
  return filters(account).clean(text).text;
}

/** Index from which on a secret may begin that the text does not have whole; else the text's length. */
export function secretTail(account: BotAccount, text: string): number {
  return filters(account).tail(text);
}
