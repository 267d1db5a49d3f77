/** Commands that show the bot, its agents, or the asker's own use and conversation (K2). */

import type { CommandNeeds } from "../../core/inbound/inbound.ts";
import type { ContextWindow, WindowSource } from "../../core/model.ts";
import {
  budgetText,
  dayOf,
  endOfDay,
  isSpent,
  moneyText,
  monthStartOf,
} from "../../core/spending/budget.ts";
import { clip } from "../../lib/text/quoted.ts";
import { durationText, readerTime } from "../../lib/text/units.ts";
import type { UsageSum } from "../../store/usage/usage.ts";
import { ANSWER_MAX, type Command } from "../base/command.ts";

export const agents: Command = {
  name: "agents",
  description: "List my agents and their models",
  needs: "owner",
  run: (_, { config, settings: { models } }) =>
    config().agentList.map(({ id, name }) => `\`${name ?? id}\`: \`${models.of(id).id}\``).join(
      "\n",
    ),
};

/** Answers with tokens and money of the asker. Only the asker sees it. */
export const usage: Command = {
  name: "usage",
  isPrivate: true,
  description: "Show the tokens and the money of your own messages",
  takesWords: true,
  needs: "everyone",
  async run(call, account) {
    const { budgetsOf } = await import("../../flows/interactions/conversations.ts");
    const { config, store: { usage }, now } = account;
    const { currency } = config().models;
    const { sender: { id } } = call;
    const at = now();
    const today = await usage.sum(dayOf(at), id);
    const month = await usage.sum(monthStartOf(at), id);
    const reset = readerTime(endOfDay(at), "R");
    const limits = (await budgetsOf(account, call)).filter((use) =>
      isSpent(use) || !/^budgets\.(?:total|perAgent|perGuild)\./.test(use.rule)
    );
    return [
      `Today: ${wordsOf(today, currency)}. This month: ${wordsOf(month, currency)}. ` +
      `The next day begins ${reset}.`,
      ...limits.map((use) => `Limit: ${budgetText(use, currency)}.`),
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
export const whoami: Command = {
  name: "whoami",
  description: "Show your user id and the ids of this place",
  needs: "everyone",
  run({ sender, channelId, guildId }) {
    const text = `You are <@${sender.id}>: \`${sender.id}\``;
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
export const status: Command = {
  name: "status",
  description: "Show version, model, connection and today's cost",
  needs: "everyone",
  async run(call, account) {
    const { agentHere, budgetsOf, statusFacts } = await import(
      "../../flows/interactions/conversations.ts"
    );
    const { config, store: { usage }, now } = account;
    const { currency } = config().models;
    const { version, modelId, fallbackId, modelFailsSince, window, warnings, readyAt, latencyMs } =
      await statusFacts(account, call);
    const online = durationText(now() - readyAt);
    const latency = latencyMs === undefined ? "–" : `${Math.round(latencyMs)} ms`;
    const model = fallbackId ?? modelId;
    const lines = [
      `Barnacle ${version}, answering with \`${model}\`. Online for ${online}, heartbeat ` +
      `${latency}.`,
    ];
    lines.push(...agentLine(agentHere(account, call)));
    if (modelFailsSince !== undefined) {
      const since = readerTime(modelFailsSince, "R");
      lines.push(`\`${modelId}\` has been failing since ${since}.`);
    }
    if (window) lines.push(windowLine(window));
    const today = dayOf(now());
    const own = wordsOf(await usage.sum(today, call.sender.id), currency);
    lines.push(`Your use today: ${own}.`);
    if (warnings) {
      lines.push(`Everyone's use today: ${wordsOf(await usage.sum(today), currency)}.`);
      const spent = (await budgetsOf(account, call)).filter((use) =>
        isSpent(use) && OF_ALL.test(use.rule)
      )
        .map((use) => `The budget \`${use.rule}\` is spent: ${budgetText(use, currency)}`);
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
export function agentLine(agent: string | undefined): readonly string[] {
  return agent === undefined ? [] : [`The agent here: ${agent}.`];
}

/** The size of a model's window, and where it comes from. */
function windowLine({ contextWindow, from = "assumed" }: ContextWindow): string {
  return `My model reads ${contextWindow} tokens at most, its own answer included: ${
    SOURCES[from]
  }.`;
}

const SOURCES = {
  config: "set in my config",
  server: "told by its server",
  family: "usual for its name, because its server does not tell",
  assumed: "assumed, because its server has not told",
  refusal: "learned when its server refused a longer request",
} as const satisfies Readonly<Record<WindowSource, string>>;

/** Lists all commands, by the right that they need. */
export const help: Command = {
  name: "help",
  description: "Show my commands",
  needs: "everyone",
  async run(_, account) {
    const { offeredCommands } = await import("../registry.ts");
    const all = offeredCommands(account);
    const groups = Object.entries(HEADINGS).flatMap(([right, heading]) => {
      const lines = all.filter(({ needs }) => needs === right)
        .map(({ name, description }) => `\`/${name}\` ${description}`);
      return lines.length === 0 ? [] : [heading, ...lines];
    });
    const text = [
      "You can use these commands here, with `/` from Discord's menu or as a message:",
      ...groups.filter((line) => line !== ""),
    ].join("\n");
    if (text.length <= ANSWER_MAX) return text;
    return all.map(({ name }) => `\`/${name}\``).join(" ");
  },
};

/** The same under OpenClaw's other name. */
const commands: Command = { ...help, name: "commands", description: "List my commands" };

/** The headings of the groups, in their order. */
const HEADINGS: Readonly<Record<CommandNeeds, string>> = {
  everyone: "",
  session: "**In servers, with Manage Messages:**",
  approver: "**Approvers:**",
  owner: "**Owners:**",
};

/** Answers with the size of the conversation that a message of the asker here would continue. */
export const context: Command = {
  name: "context",
  description: "Show how much of this conversation I remember",
  takesWords: true,
  needs: "everyone",
  async run(call, account) {
    const { agentHere, contextOf } = await import("../../flows/interactions/conversations.ts");
    const { entries, tokens, room, window, folded, summaryFailedAt } = await contextOf(
      account,
      call,
    );
    const lines = [
      ...agentLine(agentHere(account, call)),
      `${entries} messages and answers of this conversation fill ` +
      `${Math.round(tokens * 100 / Math.max(1, room))} % of what I can read at once: about ` +
      `${tokens} of ${room} tokens.`,
      windowLine(window),
    ];
    if (folded.entries > 0 && folded.at !== undefined) {
      const since = readerTime(folded.at, "R");
      lines.push(
        folded.isPlain
          ? `${folded.messages} earlier messages are folded since ${since}, without my model: I ` +
            "know only the first words of each."
          : `${folded.messages} earlier messages are folded into a summary since ${since}.`,
      );
    }
    if (summaryFailedAt !== undefined) {
      lines.push(
        `My model gave no summary ${readerTime(summaryFailedAt, "R")}. I ask it again when ` +
          "there is more to fold.",
      );
    }
    return lines.join("\n");
  },
};

/** These commands, in the order of `/help`. */
export const ABOUT: readonly Command[] = [help, commands, status, whoami, usage, context];
