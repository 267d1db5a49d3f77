/**
 * Records expected answers, and checks that each came once, whole and in its place.
 *
 * An answer has one to three parts of a message each. Every part names its question, the number of
 * the model's take, and its own number. So a part of another take is recognised: a bot sends one if
 * it asks the model again instead of sending the frozen text.
 */

import type { Account } from "../../support/bot/account.ts";

export interface Ledger {
  /** Records a question in a channel. @returns Its name, which the question's text must contain. */
  owe(channel: string): string;
  /** The model's answer to a text with that name in it; each request gets another take. */
  answer(text: string): string;
  /** Called with each message of the bot, to notice when all are there. */
  note(content: string): void;
  /** Whether the last part of each answer has arrived. */
  isAnswered(): boolean;
  /** Whether the last part of the answer to a question has not arrived. */
  isOpen(name: string): boolean;
  /** Number of questions whose last part has not arrived. */
  readonly open: number;
  readonly figures: { readonly questions: number; readonly takes: number };
  /**
   * Judges a channel.
   *
   * @param written The bot's messages in the channel, oldest first.
   */
  account(written: (channel: string) => readonly string[]): LedgerAccount;
}

export interface LedgerAccount extends Account {
  /** The bot's lines that are no part of an answer, or differ from the model's text. */
  readonly foreign: readonly string[];
  /** Answers with parts of two takes. */
  readonly mixed: readonly string[];
}

/** UTF-16 units for `textChunkLimit`: one part fits, and two do not. */
export const PART_LIMIT = 160;

const MAX_PARTS = 3;
const PADDING = "and krill eat what drifts by, and whales eat krill, and so it goes on and on";
const NAME = /\bq\d{6}\b/;
/** The line of receipts under an answer, or below it (R15a). */
export const RECEIPTS = /^-# ([✓✗?] .*)$/m;
const PART = /^(q\d{6}) take (\d+) part (\d) of (\d): /;

/**
 * Creates a ledger.
 *
 * @param random From 0 up to, but not including, 1; it decides the length of an answer.
 */
export function createLedger(random: () => number): Ledger {
  const places = new Map<string, string[]>();
  const takes = new Map<string, number>();
  const open = new Set<string>();
  let questions = 0;
  let asked = 0;

  return {
    owe(channel) {
      questions += 1;
      const name = `q${String(questions).padStart(6, "0")}`;
      const owed = places.get(channel) ?? [];
      places.set(channel, owed);
      owed.push(name);
      open.add(name);
      return name;
    },
    answer(text) {
      const name = NAME.exec(text)?.[0];
      if (name === undefined) return "Nobody asked me anything.";
      const take = (takes.get(name) ?? 0) + 1;
      takes.set(name, take);
      asked += 1;
      const parts = random() < 0.75 ? 1 : 2 + Math.floor(random() * (MAX_PARTS - 1));
      return Array.from({ length: parts }, (_, part) => partOf(name, take, part + 1, parts))
        .join("\n");
    },
    note(content) {
      for (const line of content.split("\n")) {
        const [, name = "", , part, parts] = PART.exec(line) ?? [];
        if (part === parts) open.delete(name);
      }
    },
    isAnswered: () => open.size === 0,
    isOpen: (name) => open.has(name),
    get open() {
      return open.size;
    },
    get figures() {
      return { questions, takes: asked };
    },
    account(written) {
      const all = [...places].map(([channel, owed]) => accountOfChannel(owed, written(channel)));
      return {
        owed: questions,
        answered: questions - all.reduce((sum, { lost }) => sum + lost.length, 0),
        lost: all.flatMap(({ lost }) => lost),
        doubled: all.flatMap(({ doubled }) => doubled),
        outOfOrder: all.flatMap(({ outOfOrder }) => outOfOrder),
        foreign: all.flatMap(({ foreign }) => foreign),
        mixed: all.flatMap(({ mixed }) => mixed),
      };
    },
  };
}

function partOf(name: string, take: number, part: number, parts: number): string {
  return `${name} take ${take} part ${part} of ${parts}: ${PADDING}`;
}

interface Found {
  readonly takes: Set<number>;
  /** How often each part is there. */
  readonly counts: Map<number, number>;
  parts: number;
}

function accountOfChannel(owed: readonly string[], messages: readonly string[]) {
  const places = new Map(owed.map((name, place) => [name, place]));
  const found = new Map<string, Found>();
  const foreign: string[] = [];
  const outOfOrder: string[] = [];
  let last = -1;
  for (const line of messages.flatMap((content) => content.split("\n"))) {
    if (line === "" || RECEIPTS.test(line)) continue; // white space at a cut, or what tools did
    const [, name = "", ...numbers] = PART.exec(line) ?? [];
    const [take = 0, part = 0, parts = 0] = numbers.map(Number);
    const place = places.get(name);
    if (place === undefined || line !== partOf(name, take, part, parts)) {
      foreign.push(line);
      continue;
    }
    const known = found.get(name) ?? { takes: new Set(), counts: new Map(), parts };
    found.set(name, known);
    known.takes.add(take);
    known.counts.set(part, (known.counts.get(part) ?? 0) + 1);
    known.parts = Math.max(known.parts, parts);
    const at = place * (MAX_PARTS + 1) + part;
    if (at < last) outOfOrder.push(`${name} part ${part}`);
    last = Math.max(last, at);
  }
  const where = (holds: (one: Found) => boolean) =>
    owed.filter((name) => {
      const one = found.get(name);
      return one !== undefined && holds(one);
    });
  return {
    foreign,
    outOfOrder,
    lost: owed.filter((name) =>
      (found.get(name)?.counts.size ?? 0) < (found.get(name)?.parts ?? 1)
    ),
    doubled: where(({ counts }) => [...counts.values()].some((count) => count > 1)),
    mixed: where(({ takes }) => takes.size > 1),
  };
}
