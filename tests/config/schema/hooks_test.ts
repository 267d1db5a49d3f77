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
    ["no incident", { ends: { a: "b" } }, "error hooks.uptime.ends: Only an incident can end"],
    [
      "a thread in a direct message",
      { to: "user:123456789012345678", thread: "{{ a }}" },
      "error hooks.uptime.thread: Direct messages have no threads",
    ],
    ["no agent", { agent: "nobody" }, 'error hooks.uptime.agent: There is no agent "nobody"'],
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
