/**
 * Commands that start a turn in the asker's name or explain one: `/skill` (T7), `/why` (P1), and the
 * menu of a message (K6).
 *
 * All skills share one command, because Discord takes a hundred commands at most.
 */

import type { BotAccount } from "../../account/account.ts";
import type { CommandCall, CommandTarget } from "../../core/inbound/inbound.ts";
import { DEAD_BUTTON, MAY_NOT_WRITE, NOT_AUTHORIZED } from "../../render/sentences.ts";
import { choicesFor, type Command, type MessageCommand } from "../base/command.ts";
import { parseSnowflake } from "../../core/discord/ids.ts";

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
    const { explain } = await import("../../flows/interactions/why.ts");
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

/** Starts a turn that reads the skill first, and answers in the channel. */
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
