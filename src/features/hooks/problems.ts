/** Finds faults of hooks and events of servers that the schema cannot see (W1, W7). */

import { isToolEntry } from "../../core/tool_names.ts";
import type { AnswerRules, HookScheme } from "../../core/hooks/hook.ts";
import { isLoopback } from "../../lib/network/addresses.ts";
import { quoted } from "../../lib/text/quoted.ts";
import { unknownTool } from "../../config/audit/audit.ts";
import type { ProblemAt } from "../../config/parse.ts";
import type { JudgedConfig } from "../feature.ts";
import { DEFAULT_ACCOUNT } from "../../config/schema/accounts.ts";
import type { Settings } from "../../config/schema/root.ts";
import type { Problem } from "../../config/text/problem.ts";
import { type Segment, valueAt } from "../../config/text/edit.ts";

const MIN_SECRET = 32;

/** Faults of hooks that the schema cannot see, and addresses of hooks that others can reach (W1). */
export function hookProblems(
  { settings, written, problemAt, isElsewhere }: JudgedConfig,
): readonly Problem[] {
  const { hooks = {}, http, channels } = settings;
  const entries = Object.entries(hooks);
  const accountIds = channels.discord?.accounts && Object.keys(channels.discord.accounts);
  const problems = entries.flatMap(([name, hook]) => {
    const { account, secret, scheme } = hook;
    const found: Problem[] = [...answerProblems(["hooks", name], hook, settings, problemAt)];
    const add = (key: string, message: string, hint: string) =>
      void found.push(problemAt("error", ["hooks", name, key], message, hint));
    if (account !== undefined && account !== DEFAULT_ACCOUNT && !accountIds?.includes(account)) {
      add(
        "account",
        `There is no account ${quoted(account)}`,
        "write it under channels.discord.accounts",
      );
    }
    const isWritten = valueAt(written, ["hooks", name, "secret"]) !== undefined;
    if (!secret && !isWritten) {
      add("secret", `The hook ${quoted(name)} has no secret`, SECRET_HINT);
    } else if (secret && !isElsewhere && secret.reveal().length < MIN_SECRET) {
      add("secret", "The secret is too short: anyone could guess it", SECRET_HINT);
    } else if (secret && !isElsewhere) {
      const [message, hint] = misfit(scheme, secret.reveal()) ?? [];
      if (message !== undefined && hint !== undefined) add("secret", message, hint);
    }
    return found;
  });
  const ofServers = settings.agents.list.flatMap(({ on = [] }, index) =>
    on.flatMap(({ tools = [] }, at) => {
      const here = ["agents", "list", index, "on", at];
      return answerProblems(here, { model: true, tools }, settings, problemAt);
    })
  );
  problems.push(...ofServers);
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

/** Faults of the rules by which an agent answers events. */
function answerProblems(
  at: readonly Segment[],
  { agent, model, tools }: Pick<AnswerRules, "agent" | "model" | "tools">,
  settings: Settings,
  problemAt: ProblemAt,
): readonly Problem[] {
  const { agents: { list } } = settings;
  const agentIds = list.length > 0 ? list.map(({ id }) => id) : ["main"];
  const found: Problem[] = [];
  for (const [index, entry] of tools.entries()) {
    if (isToolEntry(entry)) continue;
    found.push(problemAt("warning", [...at, "tools", index], ...unknownTool(entry)));
  }
  if (agent !== undefined && !agentIds.includes(agent)) {
    const hint = `the agents are ${agentIds.map(quoted).join(", ")}`;
    found.push(problemAt("error", [...at, "agent"], `There is no agent ${quoted(agent)}`, hint));
  }
  if (!model && tools.length > 0) {
    const message = "Without a model, no tool is used";
    found.push(problemAt("warning", [...at, "tools"], message, 'remove "tools", or "model"'));
  }
  return found;
}
