/** Finds faults of hooks that the schema cannot see (W1, T16). */

import { matchesArguments } from "../core/exec/command.ts";
import type { HookScheme } from "../core/hooks/hook.ts";
import type { UnattendedAction } from "../core/hooks/unattended.ts";
import { isLoopback } from "../lib/network/addresses.ts";
import { quoted } from "../lib/text/quoted.ts";
import type { ProblemAt } from "./parse.ts";
import { DEFAULT_ACCOUNT } from "./schema/accounts.ts";
import type { Settings } from "./schema/root.ts";
import type { Problem, Severity } from "./text/problem.ts";
import { valueAt } from "./text/tree.ts";

/** Minimum length of a secret. */
const MIN_SECRET = 32;

/** Faults of hooks that the schema cannot see, and addresses of hooks that others can reach (W1). */
export function hookProblems(
  { hooks = {}, http, agents, channels, exec, posts, mcp }: Settings,
  written: unknown,
  problemAt: ProblemAt,
  isElsewhere = false,
): readonly Problem[] {
  const entries = Object.entries(hooks);
  const agentIds = agents.list.length > 0 ? agents.list.map(({ id }) => id) : ["main"];
  const accountIds = channels.discord?.accounts && Object.keys(channels.discord.accounts);
  const problems = entries.flatMap(([name, hook]) => {
    const { agent, account, secret, scheme, model, tools, unattended } = hook;
    const found: Problem[] = [];
    const add = (severity: Severity, key: string, message: string, hint: string) =>
      void found.push(problemAt(severity, ["hooks", name, key], message, hint));
    if (agent !== undefined && !agentIds.includes(agent)) {
      add(
        "error",
        "agent",
        `There is no agent ${quoted(agent)}`,
        `the agents are ${agentIds.map(quoted).join(", ")}`,
      );
    }
    if (account !== undefined && account !== DEFAULT_ACCOUNT && !accountIds?.includes(account)) {
      add(
        "error",
        "account",
        `There is no account ${quoted(account)}`,
        "write it under channels.discord.accounts",
      );
    }
    const isWritten = valueAt(written, ["hooks", name, "secret"]) !== undefined;
    if (!secret && !isWritten) {
      add("error", "secret", `The hook ${quoted(name)} has no secret`, SECRET_HINT);
    } else if (secret && !isElsewhere && secret.reveal().length < MIN_SECRET) {
      add("error", "secret", "The secret is too short: anyone could guess it", SECRET_HINT);
    } else if (secret && !isElsewhere) {
      const [message, hint] = misfit(scheme, secret.reveal()) ?? [];
      if (message !== undefined && hint !== undefined) add("error", "secret", message, hint);
    }
    for (const [action, written] of Object.entries(unattended ?? {})) {
      const fault = unattendedFault(written, { exec, posts, mcp });
      if (!fault) continue;
      const path = ["hooks", name, "unattended", action, fault.key];
      found.push(problemAt(fault.severity, path, fault.message, fault.hint));
    }
    if (!model && tools.length > 0) {
      add("warning", "tools", "Without a model, no tool is used", 'remove "tools", or "model"');
    }
    return found;
  });
  const open = http.hooks?.bind.find((address) => !isLoopback(address));
  if (entries.length === 0 || open === undefined) return problems;
  const message = `Other machines can reach the hooks at ${JSON.stringify(open)}`;
  return [...problems, problemAt("warning", ["http", "hooks", "bind"], message)];
}

/** Why no sender could use a secret: a header has no blanks, and Standard Webhooks sign with base64. */
function misfit(
  scheme: HookScheme,
  secret: string,
): readonly [message: string, hint: string] | undefined {
  if (scheme === "bearer" && !/^[\x21-\x7e]+$/.test(secret)) {
    return ["A bearer token has no blanks, and only ASCII characters", SECRET_HINT];
  }
  if (scheme === "standard" && !/^(?:whsec_)?[A-Za-z0-9+/_-]{32,}={0,2}$/.test(secret)) {
    return [
      "The secret is no key of Standard Webhooks, which is base64 of 24 bytes or more",
      "write the one that the sender shows, or that of `openssl rand -base64 32`",
    ];
  }
  return undefined;
}

const SECRET_HINT = "write at least 32 random characters, such as those of `openssl rand -hex 32`";

/** A fault of an action, with its key in it. */
interface ActionFault {
  readonly severity: Severity;
  readonly key: "tool" | "arguments";
  readonly message: string;
  readonly hint: string;
}

/** Why an action without a person could never run (T16); `undefined` if it can. */
function unattendedFault(
  { tool, arguments: { argv, to } }: UnattendedAction,
  { exec, posts = {}, mcp }: Partial<Pick<Settings, "exec" | "posts" | "mcp">>,
): ActionFault | undefined {
  if (tool === "exec") {
    if (!exec) {
      const hint = 'write "exec" with the command in its list "allow"';
      return { severity: "error", key: "tool", message: "Commands are off", hint };
    }
    const written = Array.isArray(argv) ? argv.map(String) : [];
    if (exec.mode === "full" || exec.allow.some((allowed) => isOnList(allowed, written))) {
      return undefined;
    }
    return {
      severity: "warning", // another rule may allow it: a link, or "Always allow"
      key: "arguments",
      message: "The command is not on the list exec.allow, without which it cannot run",
      hint: `add ${JSON.stringify(argv)} to exec.allow`,
    };
  }
  if (tool === "post") {
    const name = String(to);
    if (Object.hasOwn(posts, name)) return undefined;
    const hint = `posts has: ${Object.keys(posts).map(quoted).join(", ") || "none"}`;
    return {
      severity: "error",
      key: "arguments",
      message: `There is no address ${quoted(name)}`,
      hint,
    };
  }
  const servers = Object.keys(mcp?.servers ?? {});
  if (servers.some((id) => tool.startsWith(`mcp__${id}__`))) return undefined;
  const hint = `mcp.servers has: ${servers.map(quoted).join(", ") || "none"}`;
  return { severity: "error", key: "tool", message: `No MCP server has the tool ${tool}`, hint };
}

/** Whether an entry of `exec.allow` is for a command, as far as the words tell. */
function isOnList(
  [program = "", ...args]: readonly string[],
  [given = "", ...rest]: readonly string[],
) {
  const nameOf = (path: string) => path.slice(path.lastIndexOf("/") + 1);
  return nameOf(program) === nameOf(given) && matchesArguments({ args, isPattern: true }, rest);
}
