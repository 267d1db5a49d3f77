/**
 * `/mcp`: shows the logins to MCP servers, signs in, and deletes a login (T13).
 *
 * The address of a sign-in goes to the owner alone: as an ephemeral answer, or in direct messages.
 */

import type { BotAccount } from "../../account/account.ts";
import { bounded } from "../../lib/text/quoted.ts";
import { timeText } from "../../lib/text/units.ts";
import { loggedOutText, MCP_SERVERS, noLoginText, signInEndText } from "../../render/sentences.ts";
import { choicesFor, type Command, type CommandOption } from "../base/command.ts";
import type { McpLoginState } from "../../core/mcp_state.ts";

const LOGIN_ENDED = "the login has ended";

/** Names of the servers of the config at which the owner signs in, or each person. */
export function serverIds({ config }: BotAccount, login: "operator" | "each"): readonly string[] {
  return Object.entries(config().mcp.servers)
    .flatMap(([id, server]) => server.login === login ? [id] : []);
}

const server: CommandOption = {
  name: "server",
  description: "Name of the MCP server in my config",
  type: "text",
  isRequired: true,
  suggest: ({ typed }, account) =>
    choicesFor(typed.text, serverIds(account, "operator").map((id) => ({ name: id, value: id }))),
};

const answer: CommandOption = {
  name: "answer",
  description: "Last address of your browser, if it could not open it",
  type: "text",
};

/** Lists servers, signs in and out. */
export const mcp: Command = {
  name: "mcp",
  description: "Show, begin or delete my logins to MCP servers",
  subcommands: [
    { name: "list", description: "Show all servers and my logins to them" },
    { name: "login", description: "Sign in to a server", options: [server, answer] },
    { name: "logout", description: "Delete the login to a server", options: [server] },
  ],
  needs: "owner",
  isPrivate: true,
  isOffered: (account) => serverIds(account, "operator").length > 0,
  async run({ id, sender, subcommand, options }, account) {
    const { bot: { toolServices }, log } = account;
    const written = String(options["server"] ?? "").trim();
    if (subcommand !== "login" && subcommand !== "logout") return await listed(account);
    const name = bounded(written.replaceAll("`", "'"), MAX_NAME);
    const about = { interactionId: id, by: sender.id, server: written };
    if (subcommand === "logout") {
      const isDeleted = (await toolServices.logins()).remove(written);
      if (isDeleted) log.warn("An owner deleted a login to an MCP server in Discord", about);
      return isDeleted ? loggedOutText(name) : noLoginText(name);
    }
    const { beginSignIn, finishSignIn } = await import("../../flows/interactions/mcp_sign_ins.ts");
    const last = options["answer"];
    if (last !== undefined) {
      const outcome = await finishSignIn(account, written, sender.id, String(last));
      if (outcome.kind === "problem") return signInEndText(name, outcome.problem);
      if (outcome.kind === "unknown") {
        return `This address belongs to no sign-in to \`${name}\` that waits. Begin anew with ` +
          "`/mcp login`.";
      }
      log.warn("An owner signed in to an MCP server in Discord", about);
      return signInEndText(name);
    }
    const begun = await beginSignIn(account, written, sender.id);
    if (begun.kind === "problem") return signInEndText(name, begun.problem);
    const { address } = begun;
    return address.length > MAX_ADDRESS
      ? signInEndText(
        name,
        `its address is too long for Discord; run \`barnacle mcp login ${name}\` instead`,
      )
      : (`To sign in to \`${name}\`, open this address within ten minutes: <${address}> If it ` +
        "ends at a page that your browser cannot open, give me that page's address as `/mcp " +
        "login`'s answer.");
  },
};

const MAX_NAME = 100;
/** With the sentences around it, the address fits into a message. */
const MAX_ADDRESS = 1_400;
const MAX_SERVERS = 12;

async function listed({ bot: { toolServices }, now }: BotAccount): Promise<string> {
  const states = (await toolServices.logins()).states();
  const lines = states.slice(0, MAX_SERVERS).map((state) =>
    `– \`${bounded(state.id, MAX_NAME)}\`: ${stateText(state, now())}`
  );
  const more = states.length - lines.length;
  return [MCP_SERVERS, ...lines, ...(more > 0 ? [`… +${more}`] : [])]
    .join("\n");
}

export function stateText({ login, until, isRenewed }: McpLoginState, now: number): string {
  switch (login) {
    case "program":
      return "a program";
    case "token":
      return "token of the config";
    case "none":
      return "no login";
    case "ended":
      return LOGIN_ENDED;
    case "valid":
      if (isRenewed || until === undefined) return "logged in";
      return until > now ? `logged in until ${timeText(until)}` : LOGIN_ENDED;
  }
}
