/**
 * The part of a channel's state that a restart must not lose: answers of the last hour, and outcomes
 * of answers that no one asked for (I1). It has numbers and ids of the bot's own messages, and nothing
 * about people.
 */

import { z } from "zod";
import type { MessageId } from "../../core/discord/ids.ts";
import { DAY_MS } from "../../lib/clock.ts";
import { MAX_PER_HOUR } from "../../policy/rules/intent_rules.ts";

const HOUR_MS = 3_600_000;
const OUTCOMES_MS = 30 * DAY_MS;
const MAX_OUTCOMES = 50;
/** Newest answers whose outcome is awaited. */
const MAX_POSTED = 20;
/** How people took an answer that no one asked for; `missed`: they wanted one and got none. */
export type AnswerOutcome = "good" | "bad" | "missed";

const schema = z.lazy(() =>
  z.object({
    answers: z.array(z.number()),
    posted: z.array(z.string()),
    outcomes: z.array(z.tuple([z.string(), z.enum(["good", "bad", "missed"]), z.number()])),
  })
);

/** Reads a stored record; an unreadable one is empty. */
export function createChannelRecord(stored: string | undefined) {
  let { answers, posted, outcomes } = read(stored);

  return {
    /** Notes that a message without a mention gets an answer. */
    answered(at: number): void {
      answers = [...answers, at].slice(-MAX_PER_HOUR);
    },
    /** When the newest such message got its answer. */
    lastAnswerAt: (): number | undefined => answers.at(-1),
    /** Number of such messages in the last hour. */
    answersInHour(now: number): number {
      if (answers[0] !== undefined && answers[0] <= now - HOUR_MS) {
        answers = answers.filter((at) => at > now - HOUR_MS);
      }
      return answers.length;
    },
    /** Notes the bot's message with such an answer. */
    posted(id: MessageId): void {
      posted = [...posted, id].slice(-MAX_POSTED);
    },
    isPosted: (id: MessageId): boolean => posted.includes(id),
    /** Notes an outcome; of one message, the last one counts. */
    outcome(of: string, outcome: AnswerOutcome, at: number): void {
      outcomes = [...outcomes.filter(([id]) => id !== of), [of, outcome, at] as const]
        .slice(-MAX_OUTCOMES);
    },
    outcomes: (now: number): readonly AnswerOutcome[] =>
      outcomes.filter(([, , at]) => at > now - OUTCOMES_MS).map(([, outcome]) => outcome),
    /** The record as the store keeps it. */
    text: (): string => JSON.stringify({ answers, posted, outcomes }),
  };
}

function read(text: string | undefined): {
  readonly answers: readonly number[];
  readonly posted: readonly string[];
  readonly outcomes: readonly (readonly [id: string, outcome: AnswerOutcome, at: number])[];
} {
  if (text !== undefined) {
    try {
      return schema.parse(JSON.parse(text));
    } catch {
      // Another version wrote it: its limits begin anew.
    }
  }
  return { answers: [], posted: [], outcomes: [] };
}
