/**
 * Writes what people asked to see above an answer: the model's thinking, and the tools that ran (K2).
 *
 * Only the messages at Discord have it. The session remembers the answer without it. Of a tool, people
 * see its name and its end: arguments and results could be for the asker alone.
 */

import type { Manner } from "../core/people/chosen.ts";
import { SMALL } from "../core/outbound/footer_line.ts";
import type { Step } from "../core/step.ts";
import { bounded } from "../lib/text/cut.ts";
import type { ReplyToSend } from "./cost.ts";
import type { ComposedReply } from "./reply.ts";

/** Maximum characters of thinking: with the tools, it fits into a message. */
const MAX_THINKING = 1_200;

/** Maximum number of tools. */
const MAX_TOOLS = 10;

const QUOTE = "> ";

/** The text above an answer, which must be composed as an answer; empty if there is none. */
export function prefaceOf(
  { thinking = "", steps = [] }: { readonly thinking?: string; readonly steps?: readonly Step[] },
  { showsThinking, showsSteps }: Manner,
): string {
  return [
    ...(showsSteps ? stepLines(steps) : []),
    ...(showsThinking && thinking.trim() !== "" ? thinkingLines(thinking) : []),
  ].join("\n");
}

function thinkingLines(thinking: string): readonly string[] {
  // A mention would notify a person whom the model only thought of.
  const quiet = thinking.trim().replace(/<(@[!&]?\d+)>/g, "$1").replace(/\n{2,}/g, "\n");
  return [
    "My thinking:",
    ...bounded(quiet, MAX_THINKING).split("\n").map((line) => `${QUOTE}${line}`),
  ];
}

function stepLines(steps: readonly Step[]): readonly string[] {
  const results = new Map(
    steps.flatMap((step) => step.kind === "result" ? [[step.callId, step] as const] : []),
  );
  const calls = steps.flatMap((step) => step.kind === "answer" ? step.calls : []);
  const lines = calls.slice(0, MAX_TOOLS).map(({ id, name }) => {
    const tool = bounded(name.replace(/[^\w.-]/g, "?"), 60);
    const isDone = results.get(id)?.end === "done";
    return isDone ? `used \`${tool}\`` : `\`${tool}\` failed`;
  });
  const more = calls.length - lines.length;
  return more > 0 ? [...lines, `and ${more} more`] : lines;
}

/** Puts a composed preface above an answer, as messages of its own: its own lines in small type. */
export function withPreface(answer: ReplyToSend, preface: ComposedReply): ReplyToSend {
  if (preface.kind !== "reply") return answer;
  const { reply: { chunks, suppressesEmbeds } } = preface;
  const { reply } = answer;
  return {
    ...answer,
    reply: {
      ...reply,
      chunks: [...chunks.map((one) => one.replace(/^(?!> |$)/gm, SMALL)), ...reply.chunks],
      suppressesEmbeds: suppressesEmbeds || reply.suppressesEmbeds,
    },
  };
}
