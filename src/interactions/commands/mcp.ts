/**
 * `/mcp`: shows the logins to MCP servers, signs in, and deletes a login (T13).
 *
 * The address of a sign-in goes to the owner alone: as an ephemeral answer, or in direct messages.
 */

import { bounded } from "../../lib/text/cut.ts";
import { timeText } from "../../lib/text/units.ts";
import { notice } from "../../render/notices/notices.ts";
import { choicesFor, type Command, type CommandOption } from "../base/command.ts";
import type { McpUses } from "../base/context.ts";
import type { McpLoginState } from "../../core/people/mcp_login.ts";

const server: CommandOption<McpUses> = {
  name: "server",
  description: "Name of the MCP server in my config",
  type: "text",
  isRequired: true,
  suggest: ({ typed }, { mcp }) =>
    choicesFor(typed.text, mcp.ids("operator").map((id) => ({ name: id, value: id }))),
};

const answer: CommandOption<McpUses> = {
  name: "answer",
  description: "Last address of your browser, if it could not open it",
  type: "text",
};

/** Lists servers, signs in and out. */
export const mcp: Command<McpUses> = {
  name: "mcp",
  description: "Show, begin or delete my logins to MCP servers",
  subcommands: [
    { name: "list", description: "Show all servers and my logins to them" },
    { name: "login", description: "Sign in to a server", options: [server, answer] },
    { name: "logout", description: "Delete the login to a server", options: [server] },
  ],
  needs: "owner",
  isPrivate: true,
  isOffered: ({ mcp }) => mcp.ids("operator").length > 0,
  async run({ id, sender, subcommand, options }, context) {
    const { mcp, texts, log } = context;
    const written = String(options["server"] ?? "").trim();
    if (subcommand !== "login" && subcommand !== "logout") return await listed(context);
    const name = bounded(written.replaceAll("`", "'"), MAX_NAME);
    const about = { interactionId: id, by: sender.id, server: written };
    if (subcommand === "logout") {
      const isDeleted = await mcp.logout(written);
      if (isDeleted) log.warn("An owner deleted a login to an MCP server in Discord", about);
      return notice(isDeleted ? "mcpLoggedOut" : "mcpNoLogin", { server: name }, texts());
    }
    const failed = (problem: string) =>
      notice("mcpFailed", { server: name, problem: bounded(problem, MAX_PROBLEM) }, texts());
    const last = options["answer"];
    if (last !== undefined) {
      const outcome = await mcp.finish(written, sender.id, String(last));
      if (outcome.kind === "problem") return failed(outcome.problem);
      if (outcome.kind === "unknown") return notice("mcpNotOurs", { server: name }, texts());
      log.warn("An owner signed in to an MCP server in Discord", about);
      return notice("mcpLoggedIn", { server: name }, texts());
    }
    const begun = await mcp.begin(written, sender.id);
    if (begun.kind === "problem") return failed(begun.problem);
    const { address } = begun;
    return address.length > MAX_ADDRESS
      ? failed(`its address is too long for Discord; run \`barnacle mcp login ${name}\` instead`)
      : notice("mcpLogin", { server: name, address }, texts());
  },
};

const MAX_NAME = 100;
const MAX_PROBLEM = 800;
/** With the sentences around it, the address fits into a message. */
const MAX_ADDRESS = 1_400;
const MAX_SERVERS = 12;

async function listed({ mcp, texts, now }: McpUses): Promise<string> {
  const states = await mcp.states();
  const lines = states.slice(0, MAX_SERVERS).map((state) =>
    `– \`${bounded(state.id, MAX_NAME)}\`: ${stateText(state, now(), texts())}`
  );
  const more = states.length - lines.length;
  return [notice("mcpServers", {}, texts()), ...lines, ...(more > 0 ? [`… +${more}`] : [])]
    .join("\n");
}

export function stateText(
  { login, until, isRenewed }: McpLoginState,
  now: number,
  texts: ReturnType<McpUses["texts"]>,
): string {
  switch (login) {
    case "program":
      return notice("mcpProgram", {}, texts);
    case "token":
      return notice("mcpToken", {}, texts);
    case "none":
      return notice("mcpSignedOut", {}, texts);
    case "ended":
      return notice("mcpEnded", {}, texts);
    case "valid":
      if (isRenewed || until === undefined) return notice("mcpSignedIn", {}, texts);
      return until > now
        ? notice("mcpSignedInUntil", { until: timeText(until) }, texts)
        : notice("mcpEnded", {}, texts);
  }
}
