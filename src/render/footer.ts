/**
 * Writes the small last line of an answer: model, tokens, cached share, money and seconds (R15).
 *
 * Only the message at Discord has it. The session remembers the answer without it, and the stored
 * message has it apart, so that Barnacle can take it out of the text that Discord shows.
 *
 * @module
 */

import { SMALL } from "../core/outbound/footer_line.ts";
import type { TurnCost } from "../core/spending/usage.ts";
import type { ComposedReply } from "./reply.ts";

/** How the footer is written. */
export interface FooterRules {
  /** Maximum length of a message, in UTF-16 units. */
  readonly limit: number;
}

/** A composed reply that is sent. */
export type ReplyToSend = Extract<ComposedReply, { kind: "reply" }>;

/** The line; `undefined` if the answer has none. */
export function footerOf(
  rules: FooterRules | undefined,
  cost: TurnCost | undefined,
): { readonly line: string; readonly limit: number } | undefined {
  if (!rules || !cost) return undefined;
  const { model, inputTokens, cachedTokens, outputTokens, micros, ms } = cost;
  const cached = inputTokens === 0 ? 0 : Math.round(100 * cachedTokens / inputTokens);
  const parts = [
    model.replace(/[`\n]/g, ""),
    `${inputTokens} + ${outputTokens} tokens`,
    `${cached} % cached`,
    ...(micros === undefined || micros === 0 ? [] : [moneyText(micros)]),
    `${(ms / 1_000).toFixed(1)} s`,
  ];
  return { line: `${SMALL}${parts.join(" · ")}`, limit: rules.limit };
}

/** Money of millionths: two digits that say something, at least cents. */
export function moneyText(micros: number): string {
  const money = micros / 1_000_000;
  const digits = money === 0 || money >= 0.1 ? 2 : Math.min(6, 1 - Math.floor(Math.log10(money)));
  return money.toFixed(digits);
}

/** Adds the line to the last message, or as a message of its own if it does not fit there. */
export function withFooter(
  composed: ReplyToSend,
  footer: ReturnType<typeof footerOf>,
): ReplyToSend {
  if (!footer) return composed;
  const { chunks } = composed.reply;
  const last = chunks.at(-1);
  const joined = `${last}\n${footer.line}`;
  const all = last !== undefined && joined.length <= footer.limit
    ? [...chunks.slice(0, -1), joined]
    : [...chunks, footer.line];
  return { ...composed, reply: { ...composed.reply, chunks: all, footer: footer.line } };
}
