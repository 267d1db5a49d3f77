/** Sentences of the bot that several files write. */

import { bounded } from "../lib/text/quoted.ts";

export const PAIRED = "You're approved. You can write to me now.";
/** @param usage How to write the command. */
export const usageText = (usage: string): string =>
  `That does not fit this command. Write it like this: ${usage}`;
/** @param reset When the day or month of the budget ends, as Discord shows it. */
export const budgetSpentText = (reset: string): string =>
  `The budget for my answers is used up. Please ask me again ${reset}.`;
/** @param server The server's name in the config, as below. */
export const loggedOutText = (server: string): string =>
  `I have deleted the login to \`${server}\`. The server may accept it until it expires.`;
/** The answer of a logout without a login. */
export const noLoginText = (server: string): string =>
  `I have no login to \`${server}\`. \`/mcp list\` shows my servers.`;
/** How a sign-in ended; `problem` is why it failed, in short: `"the server wants no sign-in"`. */
export const signInEndText = (server: string, problem?: string): string =>
  problem === undefined
    ? `I'm logged in to \`${server}\`.`
    : `I can't sign in to \`${server}\`: ${bounded(problem, 800)}.`;
export const MCP_SERVERS = "My MCP servers:";
export const GO_ON = "Go on";
export const SEND_ASKED = "Not everyone who would read this may read this conversation. Send it?";
export const STOPPED = "Stopped.";
export const NOTHING_TO_STOP =
  "There is nothing to stop: no work of yours is running or waiting here.";
export const DEAD_BUTTON =
  "This button is old and no longer works. Ask me again if you still need it.";
/** @param name Of a command that answers its sender alone, without its slash. */
export const privateText = (name: string): string =>
  `The answer would be for you alone. Use \`/${name}\` from Discord's menu, or write ` +
  "to me in a direct message.";
export const NOT_AUTHORIZED = "You are not authorized to do that.";
/** @param id Of the failure in the log. */
export const failedText = (id: string): string =>
  `Sorry, something went wrong and I couldn't answer. Error ID for my operator: \`${id}\``;
export const CONFIG_READ_ONLY =
  "`channels.discord.configWrites` is false, so I may not change the config file.";
/** @param code The id of the approval. */
export const tooLongToShow = (code: string): string =>
  `The command is too long to show here. Run \`barnacle approvals show ${code}\` on the host.`;
export const MAY_NOT_WRITE =
  "I may not write in this channel, so I can't answer here. Ask me in another one.";
/** The answer of a command whose own answer Discord refuses. */
export const REFUSED_HERE =
  "Discord doesn't take my answer here. If you accept direct messages of mine, it is there.";
/** @param isLost Otherwise no one can tell whether Discord has it. */
export const refusedText = (isLost: boolean): string =>
  isLost
    ? "Discord didn't take a part of my message here. Ask me again, in other words or in a direct message."
    : "I can't tell whether my answer has arrived. If it is missing, ask me again.";
/** @param isWaiting Whether the answer comes once the place takes it. */
export const lostText = (channelId: string, isWaiting: boolean): string =>
  isWaiting
    ? `Discord doesn't let me post my answer in <#${channelId}>. It comes there if that changes ` +
      "within a day."
    : `I can't post my answer in <#${channelId}>. Ask me again in another place.`;
/** @param name Of a command that a restart has cut, without its slash. */
export const cutCommandText = (name: string): string =>
  `I was restarted before I could answer. Give \`/${name}\` again.`;
/** The answer of a command whose turn goes on after a restart. */
export const CUT_QUESTION = "I was restarted. My answer still comes.";
