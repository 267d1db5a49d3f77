/**
 * `/usage`: the asker's own use of the models, today and in this month.
 *
 * @module
 */

import { dayOf, endOfDay } from "../../core/spending/usage.ts";
import { moneyText } from "../../render/footer.ts";
import { notice } from "../../render/notices/notices.ts";
import type { Command } from "../base/command.ts";
import type { UsageFigures } from "../base/context.ts";

/** Answers with tokens and money of the asker. Only the asker sees it. */
export const usage: Command = {
  name: "usage",
  isPrivate: true,
  description: "Show the tokens and the money of your own messages",
  options: [],
  needs: "everyone",
  async run({ sender: { id } }, { usage, texts, now }) {
    const at = now();
    const date = new Date(at);
    const monthStart = dayOf(Date.UTC(date.getUTCFullYear(), date.getUTCMonth()));
    const today = await usage.sum(dayOf(at), id);
    const month = await usage.sum(monthStart, id);
    const reset = `<t:${Math.floor(endOfDay(at) / 1_000)}:R>`; // in the reader's own time
    return notice("usage", { today: wordsOf(today), month: wordsOf(month), reset }, texts());
  },
};

function wordsOf(
  { requests, inputTokens, cachedTokens, outputTokens, micros, unpriced }: UsageFigures,
): string {
  const cached = inputTokens === 0 ? 0 : Math.round(100 * cachedTokens / inputTokens);
  const tokens = `${inputTokens} + ${outputTokens} tokens (${cached} % cached)`;
  if (requests === 0 || unpriced === requests) return tokens;
  return `${tokens}, ${unpriced > 0 ? "at least " : ""}${moneyText(micros)}`;
}
