/**
 * Commands that show or steer the bot, or ask it about a message: `/help`, `/status` and the like (K2),
 * `/why` (P1), `/skill` (T7), the menu of a message (K6), and those of owners for the whole bot.
 */

import type { BotAccount } from "../../account/account.ts";
import { parseSnowflake } from "../../core/discord/ids.ts";
import type { CommandCall, CommandNeeds, CommandTarget } from "../../core/inbound/inbound.ts";
import type { ContextWindow, WindowSource } from "../../core/model.ts";
import {
  budgetText,
  dayOf,
  endOfDay,
  isSpent,
  moneyText,
  monthStartOf,
} from "../../core/spending/budget.ts";
import { isLoopbackHost } from "../../lib/network/addresses.ts";
import { clip } from "../../lib/text/quoted.ts";
import { durationText, readerTime } from "../../lib/text/units.ts";
import { DEAD_BUTTON, MAY_NOT_WRITE, NOT_AUTHORIZED } from "../../render/sentences.ts";
import type { UsageSum } from "../../store/usage/usage.ts";
import { ANSWER_MAX, choicesFor, type Command, type MessageCommand } from "../base/command.ts";

export const agents: Command = {
  name: "agents",
  description: "List my agents and their models",
  needs: "owner",
  run: (_, { config, settings: { models } }) =>
    config().agentList.map(({ id, name }) => `\`${name ?? id}\`: \`${models.of(id).id}\``).join(
      "\n",
    ),
};

/** Pauses the bot, or lets it go on. A pause outlives a restart. */
export const pause: Command = {
  name: "pause",
  description: "Pause me everywhere, or let me go on",
  needs: "owner",
  async run(call, account) {
    const { togglePause } = await import("../../flows/interactions/stop.ts");
    const { isPaused, stopped } = await togglePause(account, call);
    account.log.warn(isPaused ? "An owner paused the bot" : "An owner let the bot go on", {
      interactionId: call.id,
      by: call.sender.id,
      stopped,
    });
    return isPaused
      ? `I am paused everywhere; stopped turns: ${stopped}. \`/pause\` lets me go on.`
      : "I am back.";
  },
};

/** Ends the process once its answers are sent, as a signal does. */
export const restart: Command = {
  name: "restart",
  description: "End my process; it starts again",
  needs: "owner",
  async run(call, account) {
    const { restartProcess } = await import("../../flows/interactions/stop.ts");
    switch (await restartProcess(account, call)) {
      case "unsupervised":
        return "I see no supervisor that would start me again, so I keep running. If there is one, " +
          "set `BARNACLE_SUPERVISED=1` in my environment.";
      case "done":
        return "I have restarted.";
      case "begun":
        account.log.warn("An owner restarts the bot", {
          interactionId: call.id,
          by: call.sender.id,
        });
        return "I am restarting. I will be back in a moment.";
    }
  },
};

/** Tells a login link of the dashboard. Only the asker sees it, so there is no text command. */
export const dashboard: Command = {
  name: "dashboard",
  description: "Log in to my dashboard",
  needs: "owner",
  isMenuOnly: true,
  async run({ id, sender }, { bot, log }) {
    const link = await bot.dashboardLink?.() ?? { kind: "off" };
    if (link.kind !== "link") {
      return "My dashboard is off. To switch it on: `barnacle config set http.dashboard true`";
    }
    const { url, validSec } = link;
    log.warn("An owner asked for a link to the dashboard", { interactionId: id, by: sender.id });
    return `This link logs one browser in, once, within ${validSec / 60} minutes: <${url}>` +
      (isLoopbackHost(new URL(url).hostname)
        ? " If it does not open here, set `http.publicUrl` to an address that this device reaches."
        : "");
  },
};

/** The commands that stop the bot, in the order of `/help`. */
export const STOPS: readonly Command[] = [pause, restart];

/** Explains a message of the asker's; an owner may ask about every message. */
export const why: Command = {
  name: "why",
  description: "Explain why I answered a message, or did not",
  options: [{ name: "message", description: "Link or id of your message", type: "text" }],
  needs: "everyone",
  isPrivate: true,
  async run(call, account) {
    const { message } = call.options;
    const id = typeof message === "string" ? messageIdIn(message) : call.target?.id;
    if (id === undefined) {
      return "Give the link or id of a message. Or use “Why no answer?” in the menu of the " +
        "message.";
    }
    const { explain } = await import("../../flows/interactions/run_commands.ts");
    return await explain(account, call, id) ??
      ("I have no record of this message that you may see. Each person may ask about their " +
        "own messages.");
  },
};

/** The last number of a link, or the number itself. */
function messageIdIn(text: string) {
  const [, digits = ""] = /(\d{15,20})\/?\s*$/.exec(text) ?? [];
  return parseSnowflake<"message">(digits);
}

export const askAbout: MessageCommand = {
  name: "Ask Barnacle",
  needs: "everyone",
  run: (call, account) =>
    question(
      "Answer the quoted message, or help with it, as its writer would want.",
      call,
      account,
    ),
};

const summarise: MessageCommand = {
  name: "Summarise from here",
  needs: "everyone",
  run: (call, account) =>
    question(
      "Read this channel's messages from the quoted message on, and summarise them.",
      call,
      account,
    ),
};

const remindMe: MessageCommand = {
  name: "Remind me",
  needs: "everyone",
  run: (call, account) =>
    question("Remind me of the quoted message. If it names no time, ask me when.", call, account),
};

export const whyNoAnswer: MessageCommand = {
  name: "Why no answer?",
  needs: "everyone",
  run: why.run,
};

async function question(text: string, call: CommandCall, account: BotAccount): Promise<string> {
  const { target } = call;
  return target ? await askFor(account, call, { text, about: target }) : DEAD_BUTTON;
}

/** Starts a turn, and tells where its answer will be. */
export async function askFor(
  account: BotAccount,
  call: CommandCall,
  asked: { readonly text: string; readonly about?: CommandTarget; readonly isSlash?: boolean },
): Promise<string> {
  const { ask } = await import("../../flows/interactions/ask.ts");
  return ASKED[await ask(account, call, asked)];
}

/**
 * Starts a turn that reads the skill first, and answers in the channel. All skills share one command,
 * because Discord takes a hundred commands at most.
 */
export const skill: Command = {
  name: "skill",
  description: "Use one of my skills",
  options: [
    {
      name: "name",
      description: "Name of the skill",
      type: "text",
      isRequired: true,
      async suggest(typing, account) {
        const { skillsFor } = await import("../../flows/interactions/conversations.ts");
        const skills = await skillsFor(account, typing);
        return choicesFor(
          typing.typed.text,
          skills.map(({ name, description }) => ({ name: `${name}: ${description}`, value: name })),
        );
      },
    },
    { name: "input", description: "Your task for it", type: "text" },
  ],
  needs: "everyone",
  async run(call, account) {
    const { skillsFor } = await import("../../flows/interactions/conversations.ts");
    const wanted = String(call.options["name"] ?? "").toLowerCase();
    const all = await skillsFor(account, call);
    const found = all.find(({ name }) => name.toLowerCase() === wanted);
    if (!found) {
      const names = all.map(({ name }) => `\`${name}\``).join(", ") || "–";
      return `I have no such skill here. My skills: ${names.slice(0, MAX_NAMES)}`;
    }
    const input = call.options["input"];
    const task = typeof input === "string" ? `: ${input}` : ".";
    return await askFor(account, call, {
      text: `Use the skill "${found.name}"${task}`,
      isSlash: !call.isText,
    });
  },
};

const MAX_NAMES = 1_000;

/** What the asker reads, by the place of the answer. */
export const ASKED = {
  here: "I'm on it. My answer will be in this channel.",
  direct: "I'm on it. My answer will be in our direct messages.",
  refused: NOT_AUTHORIZED,
  full: "Too many messages are waiting for my answer. Please ask again later.",
  nowhere: MAY_NOT_WRITE,
};

/** All commands in the menu of a message, with distinct names. Discord takes five at most. */
export const MESSAGE_COMMANDS: readonly MessageCommand[] = [
  askAbout,
  summarise,
  remindMe,
  whyNoAnswer,
];

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
    const online = durationText(Math.max(0, now() - readyAt));
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
