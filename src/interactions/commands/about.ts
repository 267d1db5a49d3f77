/**
 * Commands that show: the commands, the state of the bot, the asker's ids and use, and the size of
 * the conversation (K2).
 */

import { dayOf, endOfDay, moneyText, monthStartOf } from "../../core/spending/usage.ts";
import { notice, type TextKey, type Texts } from "../../render/notices/notices.ts";
import type { ContextWindow, WindowSource } from "../../core/model.ts";
import { ANSWER_MAX, type Command } from "../base/command.ts";
import type { AboutUses } from "../base/context.ts";
import { budgetText, isSpent } from "../../core/spending/budget.ts";
import type { UsageSum } from "../../store/usage/usage.ts";
import { clip } from "../../lib/text/cut.ts";
import { durationText, readerTime } from "../../lib/text/units.ts";
import type { CommandNeeds } from "../../core/inbound/text_commands.ts";

/** Answers with tokens and money of the asker. Only the asker sees it. */
export const usage: Command<AboutUses> = {
  name: "usage",
  isPrivate: true,
  description: "Show the tokens and the money of your own messages",
  takesWords: true,
  needs: "everyone",
  async run(call, { store: { usage }, budgets, currency, texts, now }) {
    const { sender: { id } } = call;
    const at = now();
    const today = await usage.sum(dayOf(at), id);
    const month = await usage.sum(monthStartOf(at), id);
    const reset = readerTime(endOfDay(at), "R");
    const words = {
      today: wordsOf(today, currency()),
      month: wordsOf(month, currency()),
      reset,
    };
    const limits = (await budgets(call)).filter((use) =>
      isSpent(use) || !/^budgets\.(?:total|perAgent|perGuild)\./.test(use.rule)
    );
    return [
      notice("usage", words, texts()),
      ...limits.map((use) => notice("usageBudget", { use: budgetText(use, currency()) }, texts())),
    ].join("\n");
  },
};

function wordsOf(
  { requests, inputTokens, cachedTokens, outputTokens, micros, unpriced }: UsageSum,
  currency: string | undefined,
): string {
  const cached = inputTokens === 0 ? 0 : Math.round(100 * cachedTokens / inputTokens);
  const tokens = `${inputTokens} + ${outputTokens} tokens (${cached} % cached)`;
  if (requests === 0) return tokens;
  if (unpriced === requests) return `${tokens}, no price`;
  return `${tokens}, ${unpriced > 0 ? "at least " : ""}${moneyText(micros, currency)}`;
}

/** Answers with the ids of the asker and of the place. An owner copies them into the config. */
export const whoami: Command<AboutUses> = {
  name: "whoami",
  description: "Show your user id and the ids of this place",
  needs: "everyone",
  run({ sender, channelId, guildId }, { texts }) {
    const text = notice("whoami", { name: `<@${sender.id}>`, id: sender.id }, texts());
    const roles = sender.roles.map(({ id }) => `\`role:${id}\``).slice(0, SHOWN_ROLES);
    return [
      text,
      guildId === undefined ? `channel \`${channelId}\`` : `${guildId} / channel \`${channelId}\``,
      ...(roles.length > 0 ? [roles.join(" ")] : []),
    ].join("\n");
  },
};

const SHOWN_ROLES = 20;

/**
 * Answers with Barnacle's version, the model, the connection and the use of today. Owners see the use
 * by all people, and what needs their attention.
 */
export const status: Command<AboutUses> = {
  name: "status",
  description: "Show version, model, connection and today's cost",
  needs: "everyone",
  async run(call, { status, agentHere, store: { usage }, budgets, currency, texts, now }) {
    const { version, modelId, fallbackId, modelFailsSince, window, warnings, readyAt, latencyMs } =
      await status(call);
    const online = durationText(Math.max(0, now() - readyAt));
    const latency = latencyMs === undefined ? "–" : `${Math.round(latencyMs)} ms`;
    const model = fallbackId ?? modelId;
    const lines = [notice("status", { version, model, online, latency }, texts())];
    lines.push(...agentLine(agentHere(call), texts()));
    if (modelFailsSince !== undefined) {
      const since = readerTime(modelFailsSince, "R");
      lines.push(notice("statusModelFails", { since, model: modelId }, texts()));
    }
    if (window) lines.push(windowLine(window, texts()));
    const today = dayOf(now());
    const own = wordsOf(await usage.sum(today, call.sender.id), currency());
    lines.push(notice("statusUsage", { use: own }, texts()));
    if (warnings) {
      lines.push(
        notice("statusUsageOfAll", { use: wordsOf(await usage.sum(today), currency()) }, texts()),
      );
      const spent = (await budgets(call)).filter((use) => isSpent(use) && OF_ALL.test(use.rule))
        .map((use) => `The budget \`${use.rule}\` is spent: ${budgetText(use, currency())}`);
      lines.push(...[...spent, ...warnings].map((warning) => `⚠️ ${warning}`));
    }
    return clip(lines.join("\n"), STATUS_MAX);
  },
};

/** Maximum UTF-16 units of `/status`: one usual message. */
const STATUS_MAX = 1_900;

/** Rules of budgets that all people share. */
const OF_ALL = /^budgets\.(?:total|perAgent)\./;

/** The agent that answers here; no line if the bot has one alone. */
export function agentLine(agent: string | undefined, texts: Texts): readonly string[] {
  return agent === undefined ? [] : [notice("agentHere", { agent }, texts)];
}

/** The size of a model's window, and where it comes from. */
function windowLine({ contextWindow, from = "assumed" }: ContextWindow, texts: Texts): string {
  const source = notice(SOURCES[from], {}, texts);
  return notice("window", { tokens: `${contextWindow}`, source }, texts);
}

const SOURCES = {
  config: "windowConfig",
  server: "windowServer",
  family: "windowFamily",
  assumed: "windowAssumed",
  refusal: "windowRefusal",
} as const satisfies Readonly<Record<WindowSource, TextKey>>;

/** Lists all commands, by the right that they need. */
export const help: Command<AboutUses> = {
  name: "help",
  description: "Show my commands",
  needs: "everyone",
  run(_, { commands, texts }) {
    const all = commands();
    const groups = Object.entries(HEADINGS).flatMap(([right, heading]) => {
      const lines = all.filter(({ needs }) => needs === right)
        .map(({ name, description }) => `\`/${name}\` ${description}`);
      return lines.length === 0 ? [] : [heading, ...lines];
    });
    const text = [notice("help", {}, texts()), ...groups.filter((line) => line !== "")].join("\n");
    if (text.length <= ANSWER_MAX) return text;
    return all.map(({ name }) => `\`/${name}\``).join(" ");
  },
};

/** The same under OpenClaw's other name. */
const commands: Command<AboutUses> = {
  ...help,
  name: "commands",
  description: "List my commands",
};

/** The headings of the groups, in their order. */
const HEADINGS: Readonly<Record<CommandNeeds, string>> = {
  everyone: "",
  session: "**In servers, with Manage Messages:**",
  approver: "**Approvers:**",
  owner: "**Owners:**",
};

/** Answers with the size of the conversation that a message of the asker here would continue. */
export const context: Command<AboutUses> = {
  name: "context",
  description: "Show how much of this conversation I remember",
  takesWords: true,
  needs: "everyone",
  async run(call, { contextOf, agentHere, texts }) {
    const { entries, tokens, room, window, folded, summaryFailedAt } = await contextOf(call);
    const lines = [
      ...agentLine(agentHere(call), texts()),
      notice("context", {
        entries: `${entries}`,
        tokens: `${tokens}`,
        window: `${room}`,
        percent: `${Math.round(tokens * 100 / Math.max(1, room))} %`,
      }, texts()),
      windowLine(window, texts()),
    ];
    if (folded.entries > 0 && folded.at !== undefined) {
      const key = folded.isPlain ? "contextFoldedPlain" : "contextFolded";
      const placeholders = { messages: `${folded.messages}`, since: readerTime(folded.at, "R") };
      lines.push(notice(key, placeholders, texts()));
    }
    if (summaryFailedAt !== undefined) {
      lines.push(
        notice("contextSummaryFails", { since: readerTime(summaryFailedAt, "R") }, texts()),
      );
    }
    return lines.join("\n");
  },
};

/** These commands, in the order of `/help`. */
export const ABOUT: readonly Command<AboutUses>[] = [
  help,
  commands,
  status,
  whoami,
  usage,
  context,
];
