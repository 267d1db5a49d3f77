/**
 * Plays the model of the chain from an event to its outcome, and checks each link by what people can
 * read afterwards.
 *
 * The names of events are in all texts. So a message that came twice, an action that ran twice, and an
 * outcome that nobody was told are all seen.
 */

import type { WireRequest } from "../../../simulator/model/wire.ts";
import type { Account } from "../../support/bot/account.ts";
import type { Said } from "../../support/model/fixed_model.ts";
import { seeded } from "../../support/seeded.ts";

/** An action of a card; each label ends with the name of the first event. */
export const ACTIONS = ["Run", "Post"] as const;
export type ActionName = (typeof ACTIONS)[number];
/** What the person at the card chooses. */
export type Choice = ActionName | "Dismiss";

/** How often each action ran, by the first event of its card. */
export type ChainEffects = Readonly<Record<ActionName, ReadonlyMap<string, number>>>;

/** What is wrong at the end, by kind. Each entry names an event, and says why. */
export interface ChainAccount extends Account {
  readonly cards: number;
  /** Outcomes by the sign of their line. */
  readonly outcomes: Readonly<Record<string, number>>;
  readonly ranTwice: readonly string[];
  /** Outcomes without a line, or with two. */
  readonly unsaid: readonly string[];
  /** Lines, cards and the model's result that say something else than what happened. */
  readonly untrue: readonly string[];
  /** Turns that did not end with the model's words once. */
  readonly unended: readonly string[];
  /** Messages that belong to no event. */
  readonly foreign: readonly string[];
}

const EVENT = /event (e\d{6})!/g;
/** The turn's own events. Those that other turns of the session answer now are in the context. */
const OWN_EVENTS = /<event boundary="\w+">\n([^]*?)\n<\/event>/;
const CARD = /^Offer for ((?:e\d{6} ?)+)\./;
const ANSWER = /^Answer to ((?:e\d{6} ?)+)\./;
const LINE = /^(✅|❌|⚠️)[^]*?\b(Run|Post) (e\d{6})\b/;
const END = /^Ended (e\d{6}): ([^.]+)\./;
const CHOSEN = /chose: (?:\d\. )?(Run|Post|Dismiss)/;
const OUTCOME = /^(✅|❌|⚠️)/m;
/** The first post of an incident names its key, and no event. */
const INCIDENT = /^incident-\d/;

/** The text of an event, for the body of a request. */
export const eventText = (name: string): string => `event ${name}!`;

/** What becomes of an event, by its name: the same each time. */
export function planOf(name: string, seed: number): { isOffered: boolean; choice: Choice } {
  const { random } = seeded(seed + Number(name.slice(1)));
  const isOffered = random() < 0.85;
  const chance = random();
  return { isOffered, choice: chance < 0.45 ? "Run" : chance < 0.85 ? "Post" : "Dismiss" };
}

/** The answer of the model, from the request alone. @param script Shell script of "Run". */
export function answerOf(request: WireRequest, seed: number, script: string): Said {
  const { messages } = request;
  const asked = messages.findLast(({ role }) => role === "user")?.text ?? "";
  const [, own = ""] = OWN_EVENTS.exec(asked) ?? [];
  const names = [...new Set([...own.matchAll(EVENT)].map(([, name = ""]) => name))];
  const [first] = names;
  if (first === undefined) return "No event is here.";
  const last = messages.at(-1);
  if (last?.role === "tool") return `Ended ${first}: ${resultOf(last.text)}.`;
  if (!planOf(first, seed).isOffered) return `Answer to ${names.join(" ")}.`;
  const actions = [
    { label: `Run ${first}`, tool: "exec", arguments: { argv: ["sh", "-c", script, first] } },
    { label: `Post ${first}`, tool: "post", arguments: { to: "counter", body: { name: first } } },
  ];
  const input = { text: `Offer for ${names.join(" ")}.`, actions };
  return { calls: [{ id: "call_1", name: "offer_actions", arguments: JSON.stringify(input) }] };
}

function resultOf(text: string): string {
  if (/: it ran\b/.test(text)) return "✅";
  if (/: it failed\b/.test(text)) return "❌";
  if (/: it is uncertain\b/.test(text)) return "⚠️";
  if (/has declined/.test(text)) return "declined";
  return `unknown: ${text.replace(/[.\s]+/g, " ").slice(0, 120)}`;
}

/** The bot's messages as they are now, sorted by what they say. */
export interface ReadChain {
  /** Cards by the name of their first event. */
  readonly cards: ReadonlyMap<string, readonly string[]>;
  /** How often each event is named by a card or an answer. */
  readonly named: ReadonlyMap<string, number>;
  readonly lines: ReadonlyMap<string, readonly { readonly sign: string; readonly what: string }[]>;
  readonly ends: ReadonlyMap<string, readonly string[]>;
  readonly foreign: readonly string[];
}

/** Reads the bot's messages, of all channels. */
export function readChain(texts: readonly string[]): ReadChain {
  const cards = new Map<string, string[]>();
  const named = new Map<string, number>();
  const lines = new Map<string, { sign: string; what: string }[]>();
  const ends = new Map<string, string[]>();
  const foreign: string[] = [];
  for (const text of texts) {
    const [, sign, what = "", key = ""] = LINE.exec(text) ?? [];
    const [, ended, how = ""] = END.exec(text) ?? [];
    const names = (CARD.exec(text) ?? ANSWER.exec(text))?.[1]?.trim().split(" ");
    if (sign !== undefined) add(lines, key, { sign, what });
    else if (ended !== undefined) add(ends, ended, how);
    else if (names) {
      for (const name of names) named.set(name, (named.get(name) ?? 0) + 1);
      if (CARD.test(text)) add(cards, names[0] ?? "", text);
    } else if (!INCIDENT.test(text)) foreign.push(text);
  }
  return { cards, named, lines, ends, foreign };
}

function add<Item>(to: Map<string, Item[]>, key: string, item: Item): void {
  to.set(key, [...to.get(key) ?? [], item]);
}

/** Whether nothing more can come: each event is answered, and each card decided, told and ended. */
export function isSettled(
  { named, cards, ends, lines }: ReadChain,
  names: readonly string[],
): boolean {
  return names.every((name) => named.has(name)) && [...cards].every(([key, [card = ""]]) => {
    const chosen = CHOSEN.exec(card)?.[1];
    const isTold = chosen === "Dismiss" || lines.has(key) && OUTCOME.test(card);
    return chosen !== undefined && isTold && ends.has(key);
  });
}

/** @param names All events that the bot has accepted. */
export function judgeChain(
  chain: ReadChain,
  names: readonly string[],
  effects: ChainEffects,
): ChainAccount {
  const { cards, named, lines, ends, foreign } = chain;
  const count = (key: string, what: ActionName) => effects[what].get(key) ?? 0;
  const ran = new Set(ACTIONS.flatMap((what) => [...effects[what].keys()]));
  const keys = [...new Set([...cards.keys(), ...lines.keys(), ...ends.keys(), ...ran])].sort();
  const unsaid: string[] = [];
  const untrue: string[] = [];
  const unended: string[] = [];
  const outcomes: Record<string, number> = { "✅": 0, "❌": 0, "⚠️": 0, declined: 0 };
  for (const key of keys) {
    const [card = ""] = cards.get(key) ?? [];
    const told = lines.get(key) ?? [];
    const [end = "nothing", ...moreEnds] = ends.get(key) ?? [];
    const chosen = CHOSEN.exec(card)?.[1] ?? "nothing";
    const sign = told[0]?.sign ?? "declined";
    const runs = ACTIONS.filter((what) => count(key, what) > 0);
    outcomes[sign] = (outcomes[sign] ?? 0) + 1;
    if (chosen === "nothing" || end === "nothing" || moreEnds.length > 0) {
      unended.push(`${key} chosen ${chosen}, ended ${[end, ...moreEnds].join(" and ")}`);
    }
    if (told.length !== (chosen === "Dismiss" ? 0 : 1)) {
      unsaid.push(
        `${key} chosen ${chosen}, ran ${
          runs.join(" and ") || "nothing"
        }, told ${told.length} times`,
      );
    }
    const shown = OUTCOME.exec(card)?.[1] ?? "declined";
    const isDone = runs.length === 1 && runs[0] === chosen;
    const mayBe = sign === "✅" ? isDone : sign === "declined" ? runs.length === 0 : true;
    const ofOther = told.some(({ what }) => what !== chosen) ||
      runs.some((what) => what !== chosen);
    if (!mayBe || ofOther || shown !== sign || end !== sign) {
      untrue.push(
        `${key} chosen ${chosen}, ran ${runs.join(" and ") || "nothing"}, ` +
          `line ${sign}, card ${shown}, model ${end}`,
      );
    }
  }
  const lost = names.filter((name) => !named.has(name));
  return {
    owed: names.length,
    answered: names.length - lost.length,
    lost,
    doubled: [...named].filter(([, times]) => times > 1).map(([name]) => name),
    outOfOrder: [],
    cards: cards.size,
    outcomes,
    ranTwice: keys.filter((key) => ACTIONS.reduce((sum, what) => sum + count(key, what), 0) > 1),
    unsaid,
    untrue,
    unended,
    foreign,
  };
}
