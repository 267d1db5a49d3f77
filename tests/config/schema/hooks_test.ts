import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { load } from "../support.ts";

const SECRET = "0123456789abcdef0123456789abcdef";
const HOOK = { to: "channel:123456789012345678", secret: SECRET };

async function problemsOf(hook: object, more: object = {}): Promise<readonly string[]> {
  const text = JSON.stringify({ hooks: { uptime: { ...HOOK, ...hook } }, ...more });
  const { problems } = await load(text, { env: { DISCORD_BOT_TOKEN: "t" } });
  return problems.filter(({ path }) => /^(?:hooks|http)/.test(path ?? ""))
    .map(({ severity, path, message }) => `${severity} ${path}: ${message}`);
}

describe("[W1] [W4] hooks in the config", () => {
  it("need a place and a secret, and nothing else", async () => {
    assert.deepEqual(await problemsOf({}), []);
  });

  const cases: readonly (readonly [what: string, hook: object, problem: string])[] = [
    [
      "no secret",
      { secret: undefined },
      'error hooks.uptime.secret: The hook "uptime" has no secret',
    ],
    [
      "a short secret",
      { secret: "short" },
      "error hooks.uptime.secret: The secret is too short: anyone could guess it",
    ],
    [
      "a token with a blank",
      { secret: `${SECRET} x` },
      "error hooks.uptime.secret: A bearer token has no blanks, and only ASCII characters",
    ],
    [
      "a key of Standard Webhooks that is no base64",
      { scheme: "standard", secret: `whsec_${"!".repeat(40)}` },
      "error hooks.uptime.secret: The secret is no key of Standard Webhooks, which is base64 of 24 " +
      "bytes or more",
    ],
    [
      "a bare number",
      { to: "123456789012345678" },
      'error hooks.uptime.to: "123456789012345678" may be a user or a channel',
    ],
    [
      "a template without its end",
      { template: "{{ a" },
      "error hooks.uptime.template: The template cannot be read: {{ and }} do not match",
    ],
    [
      "a path that is none",
      { only: { "a b": "c" } },
      'error hooks.uptime.only."a b": "a b" is no path, such as alerts[0].labels.name',
    ],
    [
      "nothing to post",
      { model: false },
      "error hooks.uptime.model: Without a model, there is nothing to post",
    ],
    [
      "an end without an incident",
      { ends: { a: "b" } },
      "error hooks.uptime.ends: Only an incident can end",
    ],
    [
      "a thread in a direct message",
      { to: "user:123456789012345678", thread: "{{ a }}" },
      "error hooks.uptime.thread: Direct messages have no threads",
    ],
    [
      "an unknown agent",
      { agent: "nobody" },
      'error hooks.uptime.agent: There is no agent "nobody"',
    ],
    [
      "an unknown account",
      { account: "nobody" },
      'error hooks.uptime.account: There is no account "nobody"',
    ],
    [
      "tools without a model",
      { model: false, template: "x", tools: ["fetch_page"] },
      "warning hooks.uptime.tools: Without a model, no tool is used",
    ],
  ];
  const exec = { tool: "exec", arguments: { argv: ["systemctl", "restart", "web"] }, perDay: 3 };
  const allowed = { exec: { mode: "allowlist", allow: [["systemctl", "restart", "*"]] } };
  const unattended = (action: object) => ({
    tools: ["offer_actions"],
    unattended: { fix: { ...exec, ...action } },
  });
  const actions: readonly (readonly [what: string, hook: object, problem: string])[] = [
    [
      "an action of a hook that cannot offer it",
      { ...unattended({}), tools: [] },
      "warning hooks.uptime.unattended: Without the tool offer_actions, nothing is offered",
    ],
    [
      "an action of a hook without a model",
      { ...unattended({}), model: false, template: "x" },
      "warning hooks.uptime.unattended: Without a model, nothing is offered",
    ],
    [
      "an action without a cap",
      unattended({ perDay: undefined }),
      'error hooks.uptime.unattended.fix.perDay: "perDay" is missing',
    ],
    [
      "a cap of none",
      unattended({ perDay: 0 }),
      "error hooks.uptime.unattended.fix.perDay: ",
    ],
    [
      "a tool that changes Discord",
      unattended({ tool: "discord" }),
      "error hooks.uptime.unattended.fix.tool: Expected exec, post, or a tool of an MCP server",
    ],
    [
      "a whole MCP server",
      unattended({ tool: "mcp__nas", arguments: {} }),
      "error hooks.uptime.unattended.fix.tool: Expected exec, post, or a tool of an MCP server",
    ],
    [
      "an unknown MCP server",
      unattended({ tool: "mcp__nas__wake", arguments: {} }),
      "warning hooks.uptime.unattended.fix.tool: No MCP server has the tool mcp__nas__wake",
    ],
    [
      "no arguments",
      unattended({ arguments: undefined }),
      'error hooks.uptime.unattended.fix.arguments: "arguments" is missing',
    ],
    [
      "a command as one text",
      unattended({ arguments: { argv: "systemctl restart web" } }),
      "error hooks.uptime.unattended.fix.arguments.argv: ",
    ],
    [
      "a job",
      unattended({ arguments: { argv: ["ls"], background: true } }),
      "error hooks.uptime.unattended.fix.arguments: ",
    ],
    [
      "an unknown address",
      unattended({ tool: "post", arguments: { to: "nas" } }),
      'warning hooks.uptime.unattended.fix.arguments: There is no address "nas"',
    ],
    [
      "a command that is not allowed",
      unattended({ arguments: { argv: ["systemctl", "stop", "web"] } }),
      "warning hooks.uptime.unattended.fix.arguments: The command is not on the list exec.allow",
    ],
    [
      "a bad name",
      { tools: ["offer_actions"], unattended: { "a b": exec } },
      'error hooks.uptime.unattended."a b": ',
    ],
  ];
  for (const [what, hook, problem] of actions) {
    it(`[T16] are refused in words: ${what}`, async () => {
      const problems = await problemsOf(hook, allowed);
      assert.ok(problems.some((one) => one.startsWith(problem)), problems.join("\n"));
    });
  }

  it("[T16] take an action without a person, and need `exec` for a command", async () => {
    assert.deepEqual(await problemsOf(unattended({}), allowed), []);
    assert.deepEqual(await problemsOf(unattended({})), [
      "warning hooks.uptime.unattended.fix.tool: Commands are off",
    ]);
  });

  for (const [what, hook, problem] of cases) {
    it(`are refused in words: ${what}`, async () => {
      const problems = await problemsOf(hook);
      assert.ok(problems.some((one) => one.startsWith(problem)), problems.join("\n"));
    });
  }

  it("warn if other machines can reach them, and need no token of the server", async () => {
    assert.deepEqual(await problemsOf({}, { http: { hooks: { bind: "0.0.0.0" } } }), [
      'warning http.hooks.bind: Other machines can reach the hooks at "0.0.0.0"',
    ]);
  });
});
