/**
 * Decides what to do with answers if a channel's queue is full (D4).
 *
 * Discord accepts about five messages in five seconds per channel, and a crowd can ask for more. A
 * late answer helps no one, and a lost one helps even less. So the newest answers become one
 * message with a file that contains all of them. A dropped answer stays in the store with its
 * reason.
 */

import { type AnswerKey, nonceOf } from "../core/outbound/nonce.ts";
import {
  type Frozen,
  MAX_FILES,
  type OutboundFile,
  type OutboundMessage,
} from "../core/outbound/outbound.ts";
import type { PlanQueue, QueuePlan, QueueRules, Waiting } from "../core/outbound/queue.ts";
import { isPersonal } from "../core/outbound/footer_line.ts";
import { cutBytes, MIN_FILE_BYTES, textFile } from "./files.ts";

/** Whether the bot may attach files in a place. */
export type TakesFiles = (place: Pick<OutboundMessage, "channelId" | "guildId">) => boolean;

interface FullAnswer {
  readonly message: OutboundMessage;
  readonly text: string;
  /** Number of answers in the text; more than one if it was folded before. */
  readonly answers: number;
}

/**
 * Creates the decision for full queues.
 *
 * @param options `maxFileBytes`: the smaller of `mediaMaxMb` and Discord's general limit. `takesFiles`: by
 * default, the bot may attach files everywhere (R12a).
 */
export function createPlanQueue(
  { rules, maxFileBytes, takesFiles = () => true }: {
    readonly rules: QueueRules;
    readonly maxFileBytes: number;
    readonly takesFiles?: TakesFiles;
  },
): PlanQueue {
  const { strategy, maxQueueSize } = rules;
  return {
    maxQueueSize,
    plan(waiting, incoming) {
      const dropped = (why: string): QueuePlan => ({
        kind: "drop",
        reason: `${maxQueueSize} messages of its channel wait already${why}`,
      });
      if (strategy === "drop") return dropped("");
      const [first] = incoming;
      if (first && !takesFiles(first.message)) {
        return dropped(", and the bot may not attach files there");
      }
      const added = fullAnswerOf(incoming.map(({ message, files, whole }) => ({
        message,
        fileCount: files.length,
        whole,
      })));
      if (!added) return dropped(", and files cannot be folded");
      const newest = newestOf(waiting);
      if (!newest && incoming.length === 1) return dropped(", and none of them can be folded");

      const fullAnswers = newest ? [newest.whole, added] : [added];
      const into = foldInto(fullAnswers, maxFileBytes);
      if (!into) return dropped(", and their words do not fit into files");
      return { kind: "fold", into, rows: newest?.rows ?? [], answers: answersOf(fullAnswers) };
    },
  };
}

function answersOf(fullAnswers: readonly FullAnswer[]): number {
  return fullAnswers.reduce((sum, { answers }) => sum + answers, 0);
}

/**
 * The newest waiting answer, if all of its messages still wait and its text fits into a file.
 *
 * Only the newest: a folded message moves to the end of the queue. One is enough, since it frees
 * the place that the new message takes. It is also the message that was folded the last time. So
 * all answers that arrive while the queue is full gather in it.
 */
function newestOf(
  waiting: readonly Waiting[],
): { readonly whole: FullAnswer; readonly rows: readonly number[] } | undefined {
  const last = waiting.at(-1);
  if (!last) return undefined;
  const parts = waiting.slice(-(last.message.of?.parts ?? 1));
  const whole = fullAnswerOf(parts);
  return whole && { whole, rows: parts.map(({ id }) => id) };
}

/**
 * Joins the text of an answer from all of its messages.
 *
 * @returns `undefined` if a message is missing, or has a file other than the answer's own text.
 */
function fullAnswerOf(parts: readonly Omit<Waiting, "id">[]): FullAnswer | undefined {
  const [first] = parts;
  if (!first || !isComplete(parts.map(({ message }) => message))) return undefined;
  const { message, whole } = first;
  if (message.of?.kind === "draft" || message.of?.kind === "challenge") return undefined;
  if (isPersonal(message.content)) return undefined; // the mark would be lost
  // A folded answer that was taken apart (R12a) has no full text any more.
  const text = whole ?? parts.map(({ message: { content } }) => content).join("\n");
  if (message.of?.kind === "folded") return { message, text, answers: countIn(text) };
  // A text that did not fit into one message is the answer's own file.
  const ownFiles = parts.length === 1 && whole !== undefined ? 1 : 0;
  const files = parts.reduce((sum, { fileCount }) => sum + fileCount, 0);
  return files === ownFiles ? { message, text, answers: 1 } : undefined;
}

function isComplete(messages: readonly OutboundMessage[]): boolean {
  const [first] = messages;
  if (!first?.of) return messages.length === 1;
  const { cause, revision, agentId, kind, parts } = first.of;
  return messages.length === parts &&
    messages.every(({ of }, index) =>
      of?.part === index && of.cause === cause && of.revision === revision &&
      of.agentId === agentId && of.kind === kind
    );
}

/** First line of a folded text: the number of answers, for the next time it is folded. */
const COUNT = /^<!-- (\d+) answers? -->\n/;

function countIn(text: string): number {
  return Number(COUNT.exec(text)?.[1] ?? 1);
}

/** Builds one message for several answers; it replies to the newest of them. */
function foldInto(
  fullAnswers: readonly FullAnswer[],
  maxFileBytes: number,
): Frozen | undefined {
  const newest = fullAnswers.findLast(({ message: { of } }) => of)?.message;
  if (!newest?.of) return undefined;
  const count = answersOf(fullAnswers);
  const whole = [
    `<!-- ${count} ${count === 1 ? "answer" : "answers"} -->\n`,
    ...fullAnswers.map((answer) => sectionOf(answer)),
  ].join("\n");
  const files = filesOf(whole, maxFileBytes);
  const [file] = files;
  if (!file || files.length > MAX_FILES) return undefined;

  const { cause, revision, agentId } = newest.of;
  const answer: AnswerKey = { cause, revision, agentId, kind: "folded" };
  const { accountId, channelId, guildId } = newest;
  return {
    message: {
      accountId,
      channelId,
      guildId,
      nonce: nonceOf(answer, 0),
      content: `${count} of my answers had to wait. You can read all of them in \`${file.name}\`.`,
      pings: { users: [], roles: [], quotedAuthor: false },
      of: { ...answer, part: 0, parts: 1 },
    },
    files,
    whole,
  };
}

/** An answer under its heading. A text that was folded before has its headings already. */
function sectionOf({ message, text }: FullAnswer): string {
  const { of, guildId = "@me", channelId } = message;
  if (of?.kind === "folded") return text.replace(COUNT, "").trim() + "\n";
  if (!of) return `---\n\n${text.trim()}\n`;
  const link = `https://discord.com/channels/${guildId}/${channelId}/${of.cause}`;
  return `## Answer to ${link}\n\n${text.trim()}\n`;
}

function filesOf(text: string, maxFileBytes: number): readonly OutboundFile[] {
  if (maxFileBytes < MIN_FILE_BYTES) return [];
  const pieces = cutBytes(text, maxFileBytes, MAX_FILES + 1);
  return pieces.map((piece, index) =>
    textFile(pieces.length === 1 ? "answers.md" : `answers-${index + 1}.md`, piece)
  );
}
