/**
 * Checks `api`: tokens that no one can guess (SEC-R30), agents and accounts that exist, and no loop from
 * the bot to itself.
 */

import { isLoopback, isLoopbackHost, portOf } from "../lib/network/addresses.ts";
import { quoted } from "../lib/text/quoted.ts";
import type { ProblemAt } from "./parse.ts";
import { MIN_API_TOKEN } from "./schema/reach.ts";
import type { Settings } from "./schema/root.ts";
import { Secret } from "./schema/parts/secrets.ts";
import type { Problem } from "./text/problem.ts";

/**
 * Finds the problems.
 *
 * @param accountIds The accounts of the config.
 */
export function apiProblems(
  { api, agents, models, mcp }: Partial<Settings>,
  accountIds: readonly string[],
  problemAt: ProblemAt,
): readonly Problem[] {
  const programs = Object.entries(api?.programs ?? {});
  if (!api || programs.length === 0) return [];
  const agentIds = agents?.list.map(({ id }) => id) ?? [];
  const known = agentIds.length > 0 ? agentIds : ["main"];
  const tokens = new Map<string, string>();
  const problems = programs.flatMap(([name, { token, agent, account }]): readonly Problem[] => {
    const at = ["api", "programs", name];
    const found: Problem[] = [];
    const text = token instanceof Secret ? token.reveal() : undefined;
    if (text !== undefined && text.length < MIN_API_TOKEN) {
      const hint =
        `use at least ${MIN_API_TOKEN} random characters, such as of \`openssl rand -hex 32\``;
      found.push(problemAt("error", [...at, "token"], "The token is too short", hint));
    }
    const other = text === undefined ? undefined : tokens.get(text);
    if (other !== undefined) {
      const message = `The programs ${quoted(other)} and ${quoted(name)} have the same token`;
      found.push(problemAt("error", [...at, "token"], message, "give each its own"));
    }
    if (text !== undefined) tokens.set(text, name);
    if (agent !== undefined && !known.includes(agent)) {
      const message = `There is no agent ${quoted(agent)}`;
      found.push(problemAt("error", [...at, "agent"], message, `agents: ${known.join(", ")}`));
    }
    if (account !== undefined && !accountIds.includes(account)) {
      const message = `There is no account ${quoted(account)}`;
      const hint = `accounts: ${accountIds.join(", ")}`;
      found.push(problemAt("error", [...at, "account"], message, hint));
    }
    return found;
  });
  const open = api.bind.find((address) => !isLoopback(address));
  return [
    ...problems,
    ...(open === undefined ? [] : [
      problemAt("warning", ["api", "bind"], `Other machines can reach ${JSON.stringify(open)}`),
    ]),
    ...loops(api.port, { models, mcp }, problemAt),
  ];
}

/** Models and MCP servers at the bot's own API: an agent would ask itself for ever. */
function loops(
  port: number,
  { models, mcp }: Pick<Partial<Settings>, "models" | "mcp">,
  problemAt: ProblemAt,
): readonly Problem[] {
  const hint = "an agent would ask itself; name another server";
  const isOwn = (address: string | undefined): boolean => {
    const url = address === undefined ? null : URL.parse(address);
    return url !== null && portOf(url) === port && isLoopbackHost(url.hostname);
  };
  return [
    ...Object.entries(models?.providers ?? {}).flatMap(([name, { baseUrl }]) =>
      isOwn(baseUrl)
        ? [problemAt("error", ["models", "providers", name, "baseUrl"], OWN, hint)]
        : []
    ),
    ...Object.entries(mcp?.servers ?? {}).flatMap(([name, { url }]) =>
      isOwn(url) ? [problemAt("error", ["mcp", "servers", name, "url"], OWN, hint)] : []
    ),
  ];
}

const OWN = "This is the address of the bot's own API";
