/**
 * Plays a model that calls tools, and checks that each call had its effect at most once.
 *
 * The model decides from each request alone, as a real one does. So a bot that forgets a step shows
 * it: the model is asked again, and a call has two effects.
 */

import { wordsOf } from "../../../simulator/model/script.ts";
import type { WireCall, WireRequest } from "../../../simulator/model/wire.ts";
import { RECEIPTS } from "./ledger.ts";
import { KEY, type Plan, type PlannedCall, planOf } from "./tool_plan.ts";

const NAME = /\bq\d{6}\b/;

/** A row of the table `step`. */
export interface StepRow {
  readonly id: number;
  readonly messageId: string;
  readonly step: string;
}

/** The effects of all calls, as they can be found after the run. */
export interface Effects {
  /** How often the bell was rung with a key. */
  readonly rings: ReadonlyMap<string, number>;
  /** The bot's messages of each channel, in order. */
  readonly written: ReadonlyMap<string, readonly string[]>;
  /** Ids of messages with the bot's reaction. */
  readonly reacted: ReadonlySet<string>;
  /** Texts of stored reminders and notes. */
  readonly rows: readonly string[];
}

export interface ToolAccount {
  readonly calls: number;
  /** Number of calls whose outcome was unknown, and of calls that failed. */
  readonly unknown: number;
  readonly failed: number;
  /** Calls with more effects than one. */
  readonly ranTwice: readonly string[];
  /** Calls whose result is not what happened: `q000001.1.1 done, with 0 effects`. */
  readonly untrue: readonly string[];
  /** Calls whose cut was kept from the model, or whose result has changed since it was stored. */
  readonly forgotten: readonly string[];
  /** Answers that the model was asked for although the store had them. */
  readonly askedAgain: readonly string[];
  /** Calls that had an effect although the store did not have the answer with them. */
  readonly tooEarly: readonly string[];
  /** Messages of tools that do not stand before their answer, in the order of the calls. */
  readonly misplaced: readonly string[];
  /** Answers whose receipts are not the ends of their calls (R15a): `q000001 ✓✓?, told ✓✓✓`. */
  readonly misreported: readonly string[];
}

export interface ToolLedger {
  /** Notes the message of a question. */
  asked(name: string, messageId: string): void;
  /** The calls of the model's next answer; none if it answers in words. */
  callsFor(request: WireRequest): readonly WireCall[];
  /** Notes that a call has an effect; called at once. */
  happened(key: string): void;
  /** Reads the steps of a bot that was killed. Rows come once, in order. */
  killed(rows: readonly StepRow[]): void;
  /** The highest id of {@link killed}. */
  readonly lastRow: number;
  /** Whether all reminders have been posted. */
  isQuiet(written: Effects["written"]): boolean;
  account(effects: Effects): ToolAccount;
}

type End = "done" | "failed" | "unknown";

/**
 * Creates a ledger.
 *
 * @param percent Percentage of questions for which the model calls tools.
 */
export function createToolLedger(seed: number, percent: number): ToolLedger {
  const messageIds = new Map<string, string>();
  const names = new Map<string, string>();
  const plans = new Map<string, Plan>();
  /** Number of stored answers, by question. */
  const answers = new Map<string, number>();
  const begun = new Set<string>();
  const cut = new Set<string>();
  /** Ends of stored results, and the last ends that the model saw. */
  const kept = new Map<string, End>();
  const shown = new Map<string, End>();
  /** Calls while the bell had not listed its tools, which have no receipt. */
  const notOffered = new Set<string>();
  const askedAgain: string[] = [];
  const forgotten: string[] = [];
  /** Calls with an effect since the last kill. */
  const newEffects = new Set<string>();
  const tooEarly: string[] = [];
  let lastRow = 0;

  function planFor(name: string): Plan {
    const known = plans.get(name);
    if (known) return known;
    const isChosen = (Number(name.slice(1)) * 37 + seed) % 100 < percent;
    const plan = isChosen ? planOf(name, messageIds.get(name) ?? "", seed) : [];
    plans.set(name, plan);
    return plan;
  }

  function see(call: PlannedCall, text: string): void {
    const end = endOf(text);
    const stored = kept.get(call.key);
    if (stored !== undefined && stored !== end) forgotten.push(`${call.key} ${stored}, now ${end}`);
    if (cut.has(call.key) && end !== "unknown") forgotten.push(`${call.key} cut, now ${end}`);
    shown.set(call.key, end);
    if (text.includes(`${call.wire.name} cannot be used here`)) notOffered.add(call.key);
  }

  return {
    asked(name, messageId) {
      messageIds.set(name, messageId);
      names.set(messageId, name);
    },
    callsFor({ messages, tools }) {
      const newest = messages.findLastIndex(({ role }) => role === "user");
      const name = NAME.exec(wordsOf(messages[newest]?.text ?? ""))?.[0];
      if (name === undefined || tools.length === 0) return [];
      const plan = planFor(name);
      const since = messages.slice(newest + 1);
      let answered = 0;
      let calls: readonly PlannedCall[] = [];
      for (const { role, text } of since) {
        if (role === "assistant") calls = plan[answered++] ?? [];
        else if (role === "tool") {
          const [call, ...rest] = calls;
          if (call) see(call, text);
          calls = rest;
        }
      }
      const before = answers.get(name) ?? 0;
      if (answered < before) askedAgain.push(`${name} answer ${answered + 1} of ${before}`);
      return (plan[answered] ?? []).map(({ wire }) => wire);
    },
    happened: (key) => void newEffects.add(key),
    killed(rows) {
      for (const { id, messageId, step } of rows) {
        lastRow = Math.max(lastRow, id);
        const name = names.get(messageId);
        if (name === undefined) continue;
        const { kind, callId, end }: {
          readonly kind: string;
          readonly callId?: string;
          readonly end?: End;
        } = JSON.parse(step);
        const answer = answers.get(name) ?? 0;
        const key = planFor(name)[answer - 1]?.find(({ wire }) => wire.id === callId)?.key;
        if (kind === "answer") answers.set(name, answer + 1);
        else if (key !== undefined && kind === "begun") begun.add(key);
        else if (key !== undefined && kind === "result" && end) {
          begun.delete(key);
          kept.set(key, end);
        }
      }
      for (const key of begun) cut.add(key);
      for (const key of newEffects) {
        const [name = "", answer] = key.split(".");
        if ((answers.get(name) ?? 0) < Number(answer)) tooEarly.push(key);
      }
      newEffects.clear();
    },
    get lastRow() {
      return lastRow;
    },
    isQuiet(written) {
      const counts = countsIn(written);
      return [...plans.values()].flat(2).every(({ kind, key }) =>
        kind !== "remind" || shown.get(key) !== "done" || counts.has(`remind ${key}`)
      );
    },
    account({ rings, written, reacted, rows }) {
      const counts = countsIn(written);
      const texts = new Map<string, number>();
      for (const text of rows) texts.set(text, (texts.get(text) ?? 0) + 1);
      const effectsOf = ({ kind, key }: PlannedCall): number | undefined => {
        switch (kind) {
          case "ring":
            return rings.get(key) ?? 0;
          case "send":
            return counts.get(`sent ${key}`) ?? 0;
          case "remind":
            return Math.max(counts.get(`remind ${key}`) ?? 0, texts.get(`remind ${key}`) ?? 0);
          case "note":
            return texts.get(`note ${key}`) ?? 0;
          case "react":
            return reacted.has(messageIds.get(key.slice(0, 7)) ?? "") ? 1 : 0;
          case "read":
            return undefined;
        }
      };
      const calls = [...plans.values()].flat(2);
      const ranTwice: string[] = [];
      const untrue: string[] = [];
      for (const call of calls) {
        const end = shown.get(call.key);
        const effects = effectsOf(call);
        if (end === undefined) untrue.push(`${call.key} has no result`);
        if (effects === undefined) continue;
        if (effects > 1) ranTwice.push(`${call.kind} ${call.key}`);
        const isTrue = end === "unknown" || effects === (end === "done" ? 1 : 0) ||
          call.kind === "react" && end !== "done"; // another call may have added the same reaction
        if (!isTrue) untrue.push(`${call.kind} ${call.key} ${end}, with ${effects} effects`);
      }
      const count = (wanted: End) => calls.filter(({ key }) => shown.get(key) === wanted).length;
      return {
        calls: calls.length,
        unknown: count("unknown"),
        failed: count("failed"),
        ranTwice,
        untrue,
        forgotten: [...new Set(forgotten)],
        askedAgain,
        tooEarly,
        misplaced: [...written.values()].flatMap(misplacedIn),
        misreported: [...written.values()].flatMap((contents) =>
          [...marksIn(contents)].flatMap(([name, told]) => {
            const plan = plans.get(name)?.flat() ?? [];
            const ends = plan.filter(({ kind, key }) => kind !== "read" && !notOffered.has(key))
              .map(({ key }) => shown.get(key));
            const expected = ends.map((end) => end ? MARKS[end] : "").sort().join("");
            return told === expected ? [] : [`${name} ${expected}, told ${told}`];
          })
        ),
      };
    },
  };
}

const MARKS = { done: "✓", failed: "✗", unknown: "?" } as const;

/** The marks of the receipts of each answer, sorted, each as often as its line says. */
function marksIn(contents: readonly string[]): ReadonlyMap<string, string> {
  const marks = new Map<string, string>();
  let name = "";
  for (const content of contents) {
    if (KEY.test(content)) continue; // a message of a tool
    name = NAME.exec(content)?.[0] ?? name; // a line that does not fit follows its answer
    const items = RECEIPTS.exec(content)?.[1]?.split(" · ") ?? [];
    const told = items.map((item) =>
      item.slice(0, 1).repeat(Number(/ ×(\d+)$/.exec(item)?.[1] ?? 1))
    );
    marks.set(name, [...(marks.get(name) ?? ""), ...told.join("")].sort().join(""));
  }
  return marks;
}

function endOf(text: string): End {
  if (text.startsWith("Unknown: ")) return "unknown";
  return text.startsWith("Error: ") ? "failed" : "done";
}

/** How often each key stands in a message: `"sent q000001.1.1"`. */
function countsIn(written: Effects["written"]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const content of [...written.values()].flat()) {
    const [, what = "", key = ""] = KEY.exec(content) ?? [];
    if (key !== "") counts.set(`${what} ${key}`, (counts.get(`${what} ${key}`) ?? 0) + 1);
  }
  return counts;
}

/** Messages of tools after the answer of their question, or after a later message of it. */
function misplacedIn(contents: readonly string[]): readonly string[] {
  const answered = new Set<string>();
  const last = new Map<string, string>();
  return contents.flatMap((content) => {
    const [, what, key = ""] = KEY.exec(content) ?? [];
    const name = NAME.exec(content)?.[0] ?? "";
    if (what === undefined) {
      answered.add(name);
      return [];
    }
    if (what !== "sent") return [];
    const isLate = answered.has(name) || key < (last.get(name) ?? "");
    last.set(name, key);
    return isLate ? [key] : [];
  });
}
