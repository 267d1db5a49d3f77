/**
 * Writes what a turn costs: in the small last line of an answer (R15), and for people who decide about
 * its next call (A1).
 *
 * Only the message at Discord has the last line. The session remembers the answer without it, and the
 * stored message has it apart, so that Barnacle can take it out of the text that Discord shows.
 *
 * Above an answer stands what people asked to see: the model's thinking, and the tools that ran
 * (K2). The session remembers the answer without it. Of a tool, people see its name and its end:
 * arguments and results could be for the asker alone.
 */

import type { ModelUsage } from "../core/model.ts";
import { SMALL } from "../core/outbound/outbound.ts";
import type { Manner } from "../core/config_file.ts";
import type { CardFact } from "../core/people/question.ts";
import { moneyText, type TurnCost } from "../core/spending/budget.ts";
import type { Step } from "../core/step.ts";
import { bounded } from "../lib/text/quoted.ts";
import type { ComposedReply } from "./reply.ts";

/** Maximum characters of thinking: with the tools, it fits into a message. */
const MAX_THINKING = 1_200;

const MAX_CONTENT = 2_000;

const MAX_TOOLS = 10;

/**
 * Puts what people asked to see above an answer, as messages of its own: the bot's lines in small type, and each line of the
 * thinking as a quote, so that it can imitate none of them.
 *
 * @param compose Composes the thinking as an answer.
 */
export function withPreface(
  answer: ReplyToSend,
  { thinking = "", steps = [] }: { readonly thinking?: string; readonly steps?: readonly Step[] },
  { showsThinking, showsSteps }: Manner,
  compose: (text: string) => ComposedReply,
): ReplyToSend {
  const { reply } = answer;
  const composed = showsThinking && thinking.trim() !== "" ? compose(quietOf(thinking)) : undefined;
  const thought = composed?.kind === "reply" ? composed.reply : undefined;
  const lines = [...showsSteps ? stepLines(steps) : [], ...thought ? ["My thinking:"] : []];
  if (lines.length === 0) return answer;
  const own = lines.map((line) => `${SMALL}${line}`).join("\n");
  const [first = "", ...others] = thought?.chunks.map((one) => one.replace(/^/gm, "> ")) ?? [];
  const joined = `${own}\n${first}`.trim();
  const chunks = joined.length > MAX_CONTENT ? [own, first, ...others] : [joined, ...others];
  return {
    ...answer,
    reply: {
      ...reply,
      chunks: [...chunks, ...reply.chunks],
      suppressesEmbeds: thought?.suppressesEmbeds || reply.suppressesEmbeds,
    },
  };
}

/** A mention would notify a person whom the model only thought of. */
function quietOf(thinking: string): string {
  const quiet = thinking.trim().replace(/<(@[!&]?\d+)>/g, "$1").replace(/\n{2,}/g, "\n");
  return bounded(quiet, MAX_THINKING);
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

export type ReplyToSend = Extract<ComposedReply, { kind: "reply" }>;

/**
 * The line; `undefined` if it has nothing to tell.
 *
 * @param cost Absent: no cost is shown, or the model has told none.
 * @param agent Name of the agent; absent: it is not shown.
 */
export function footerOf(
  cost: TurnCost | undefined,
  currency: string | undefined,
  agent?: string,
): string | undefined {
  const parts = [
    ...(agent === undefined ? [] : [agent.replace(/[`\s]+/g, " ")]),
    ...(cost ? costParts(cost, currency) : []),
  ];
  return parts.length > 0 ? `${SMALL}${parts.join(" · ")}` : undefined;
}

function costParts(cost: TurnCost, currency: string | undefined): readonly string[] {
  const { model, inputTokens, cachedTokens, outputTokens, micros, ms } = cost;
  const cached = inputTokens === 0 ? 0 : Math.round(100 * cachedTokens / inputTokens);
  return [
    model.replace(/[`\n]/g, ""),
    `${inputTokens} + ${outputTokens} tokens`,
    `${cached} % cached`,
    ...(micros === undefined || micros === 0 ? [] : [moneyText(micros, currency)]),
    `${(ms / 1_000).toFixed(1)} s`,
  ];
}

/**
 * Adds the line to the last message, or as a message of its own if it does not fit there.
 *
 * @param limit Maximum length of a message, in UTF-16 units.
 */
export function withFooter(
  composed: ReplyToSend,
  footer: string | undefined,
  limit: number,
): ReplyToSend {
  if (!footer) return composed;
  const { reply } = withLastLine(composed, footer, limit);
  return { ...composed, reply: { ...reply, footer } };
}

/** Adds a line of ours below an answer. The session remembers the answer without it. */
export function withLastLine(composed: ReplyToSend, line: string, limit: number): ReplyToSend {
  const { chunks } = composed.reply;
  const last = chunks.at(-1);
  const joined = `${last}\n${line}`;
  const all = last !== undefined && joined.length <= limit
    ? [...chunks.slice(0, -1), joined]
    : [...chunks, line];
  return { ...composed, reply: { ...composed.reply, chunks: all } };
}

/** The fact for a card; `undefined` if no server has told its tokens. */
export function costFactOf(
  steps: readonly Step[],
  currency: string | undefined,
): CardFact | undefined {
  const known = steps.flatMap((step) => step.kind === "answer" && step.usage ? [step.usage] : []);
  if (known.length === 0) return undefined;
  const sum = (of: (usage: ModelUsage) => number) => known.reduce((all, one) => all + of(one), 0);
  const isPriced = known.every(({ micros }) => micros !== undefined);
  const micros = isPriced ? sum(({ micros = 0 }) => micros) : 0;
  const about = known.some(({ isEstimate }) => isEstimate) ? "about " : "";
  const tokens = `${about}${sum(({ inputTokens }) => inputTokens)} + ${
    sum(({ outputTokens }) => outputTokens)
  } tokens`;
  const money = micros === 0 ? "" : ` · ${moneyText(micros, currency)}`;
  return { name: "Cost so far", value: tokens + money };
}
