/** Commands that start a turn in the asker's name: `/skill` (T7), and the menu of a message (K6). */

import type { BotAccount } from "../../account/account.ts";
import type { CommandCall, CommandTarget } from "../../core/inbound/inbound.ts";
import { DEAD_BUTTON, MAY_NOT_WRITE, NOT_AUTHORIZED } from "../../render/sentences.ts";
import { choicesFor, type Command, type MessageCommand } from "../base/command.ts";

const askAbout: MessageCommand = {
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

/** These commands, in the order of the menu of a message. */
export const QUESTIONS: readonly MessageCommand[] = [
  askAbout,
  summarise,
  remindMe,
];

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

/** What the asker reads, by the place of the answer. */
export const ASKED = {
  here: "I'm on it. My answer will be in this channel.",
  direct: "I'm on it. My answer will be in our direct messages.",
  refused: NOT_AUTHORIZED,
  full: "Too many messages are waiting for my answer. Please ask again later.",
  nowhere: MAY_NOT_WRITE,
};

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
        const { skillsHere } = await import("../../flows/interactions/conversations.ts");
        const skills = await skillsHere(account, typing);
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
    const { skillsHere } = await import("../../flows/interactions/conversations.ts");
    const wanted = String(call.options["name"] ?? "").toLowerCase();
    const all = await skillsHere(account, call);
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
