/**
 * Removes forgotten people from turns that run while they are forgotten (X5).
 *
 * Such a turn has read its context before, and the texts that it stores may repeat the person's
 * words. So the traces are removed from them before they are stored. The names of the person are in
 * memory until the turn has ended.
 */

import type { MessageId } from "../../core/discord/ids.ts";
import type { FinishedTurn } from "../../core/inbound/inbox.ts";
import type { Scrubber } from "../forget/person.ts";
import type { ClaimedTurn } from "./open_turns.ts";

const NO_ONE: readonly Scrubber[] = [];

/** Creates the list of people who were forgotten while turns ran. */
export function createForgotten(running: ReadonlyMap<MessageId, ClaimedTurn>) {
  const during = new WeakMap<ClaimedTurn, readonly Scrubber[]>();
  const of = (messageId: MessageId): readonly Scrubber[] => {
    const turn = running.get(messageId);
    return turn && during.get(turn) || NO_ONE;
  };
  let pending: Promise<void> | undefined;
  return {
    /** A person is forgotten now, within the transaction that does so. */
    add(scrub: Scrubber): void {
      for (const [messageId, turn] of running) during.set(turn, [...of(messageId), scrub]);
    },
    /** A transaction that forgets a person is about to run. */
    begin(transaction: Promise<unknown>): void {
      const done: Promise<void> = transaction.then(() => {}, () => {}).then(() => {
        if (pending === done) pending = undefined;
      });
      pending = done;
    },
    /** Set while such a transaction waits: later texts of running turns must wait for it. */
    pending: () => pending,
    /**
     * The people who were forgotten since a running turn began.
     *
     * @param messageId The message that the turn began with.
     */
    of,
  };
}

/** The people who were forgotten while turns ran. */
export type ForgottenPeople = ReturnType<typeof createForgotten>;

/** Removes the traces of people from parts of a turn: entries, steps or questions. */
export function without<Part extends object>(
  people: readonly Scrubber[],
  parts: readonly Part[],
): readonly Part[] {
  if (people.length === 0) return parts;
  return parts.map((part) => people.reduce(withoutOne, part));
}

function withoutOne<Part extends object>(part: Part, scrub: Scrubber): Part {
  const text = "text" in part && typeof part.text === "string" && scrub.turn(part.text);
  return JSON.parse(scrub.json(JSON.stringify(text === false ? part : { ...part, text })));
}

/** Removes the traces of people from a turn that ends. */
export function turnWithout<Turn extends FinishedTurn>(
  people: readonly Scrubber[],
  turn: Turn,
): Turn {
  if (people.length === 0) return turn;
  const { entries, steps = [], outbox, end } = turn;
  return {
    ...turn,
    end: people.reduce(withoutOne, end),
    entries: without(people, entries),
    steps: without(people, steps),
    outbox: outbox.map((frozen) => ({
      ...frozen,
      message: people.reduce(withoutOne, frozen.message),
      whole: frozen.whole === undefined
        ? undefined
        : people.reduce((whole, scrub) => scrub.text(whole), frozen.whole),
    })),
  };
}
