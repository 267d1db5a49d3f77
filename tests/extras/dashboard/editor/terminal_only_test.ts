import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { terminalOnly } from "../../../../src/extras/dashboard/editor/terminal_only.ts";

const provider = (fields: object) => ({ models: { providers: { mine: fields } } });
const discord = (fields: object) => ({ channels: { discord: fields } });

/** Before, after, and the paths that the dashboard must not change. */
const REFUSED: readonly (readonly [string, object, object, readonly string[]])[] = [
  ["an owner", { commands: { ownerAllowFrom: ["1"] } }, { commands: { ownerAllowFrom: ["2"] } }, [
    "commands.ownerAllowFrom",
  ]],
  ["all owners", { commands: { ownerAllowFrom: ["1"] } }, {}, ["commands.ownerAllowFrom"]],
  ["a new exec section", {}, { exec: {} }, ["exec"]],
  ["exec in full", { exec: { mode: "ask" } }, { exec: { mode: "full" } }, ["exec.mode"]],
  ["approvers", discord({}), discord({ execApprovals: { approvers: ["1"] } }), [
    "channels.discord.execApprovals.approvers",
  ]],
  [
    "approvers of an account",
    {},
    discord({ accounts: { a: { execApprovals: { enabled: true } } } }),
    ["channels.discord.accounts.a.execApprovals.enabled"],
  ],
  ["an MCP server", {}, { mcp: { servers: { x: { command: "sh" } } } }, ["mcp.servers.x.command"]],
  ["a provider's address", provider({}), provider({ baseUrl: "http://evil" }), [
    "models.providers.mine.baseUrl",
  ]],
  ["a new provider", {}, provider({ kind: "google" }), ["models.providers.mine.kind"]],
  ["an address elsewhere", {}, { otel: { endpoint: "http://evil" } }, ["otel.endpoint"]],
  ["the HTTP server", {}, { http: { bind: ["0.0.0.0"] } }, ["http.bind"]],
  ["a file with a secret", provider({ apiKey: "a" }), provider({ apiKey: { file: "/etc/x" } }), [
    "models.providers.mine.apiKey",
  ]],
  ["a new file with a secret", provider({}), provider({ apiKey: { file: "/etc/x" } }), [
    "models.providers.mine.apiKey",
  ]],
  ["a variable with a secret", {}, discord({ token: "${OTHER}" }), ["channels.discord.token"]],
  ["the token of another bot", discord({ token: "old" }), discord({ token: "new" }), [
    "channels.discord.token",
  ]],
  ["a new account", {}, discord({ accounts: { a: { token: "new" } } }), [
    "channels.discord.accounts.a.token",
  ]],
  ["a log in a shell's start file", {}, { log: { file: "/home/me/.bashrc" } }, ["log.file"]],
  ["folders of skills", {}, { skills: { folders: ["/"] } }, ["skills.folders"]],
  ["hosts of tools of skills", {}, { skills: { hosts: { "http://nas": {} } } }, [
    'skills.hosts."http://nas"',
  ]],
  ["a workspace of all agents", {}, { agents: { defaults: { workspace: "/" } } }, [
    "agents.defaults.workspace",
  ]],
  [
    "a workspace of an agent",
    { agents: { list: [{ id: "a" }] } },
    { agents: { list: [{ id: "a", workspace: "/home/me" }] } },
    ["agents.list[0].workspace"],
  ],
  ["a receiver of alerts", {}, { alerts: { webhook: "http://169.254.169.254/" } }, [
    "alerts.webhook",
  ]],
  ["a topic of alerts", { alerts: { ntfy: "https://a/b" } }, { alerts: { ntfy: "http://x/y" } }, [
    "alerts.ntfy",
  ]],
  ["tools of owners", {}, { tools: { alsoAllow: ["recall", "exec"] } }, ["tools.alsoAllow"]],
  ["all tools", {}, { agents: { list: [{ tools: { allow: ["*"] } }] } }, [
    "agents.list[0].tools.allow",
  ]],
  ["no denial of tools", { tools: { deny: ["exec"] } }, { tools: {} }, ["tools.deny"]],
  ["a text for a section", { mcp: { servers: {} } }, { mcp: "x" }, ["mcp"]],
  ["a text for everything", discord({ execApprovals: {} }), { channels: "x" }, ["channels"]],
];

const ALLOWED: readonly (readonly [string, object, object])[] = [
  ["nothing", { exec: { mode: "full" } }, { exec: { mode: "full" } }],
  ["an empty section", {}, discord({})],
  ["a limit", discord({ historyLimit: 20 }), discord({ historyLimit: 30 })],
  ["a guild", discord({}), discord({ guilds: { "1": { users: ["2"] } } })],
  ["another key", provider({ apiKey: "old" }), provider({ apiKey: "new" })],
  ["fewer tools", { tools: { allow: ["exec", "recall"] } }, { tools: { allow: ["recall"] } }],
  ["a new denial", {}, { tools: { deny: ["exec"] } }],
  ["a tool for everyone", {}, { tools: { alsoAllow: ["group:web"] } }],
  ["the level of the log", { log: { file: "a" } }, { log: { file: "a", level: "debug" } }],
  ["another agent", { agents: { list: [{ id: "a", workspace: "/a" }] } }, {
    agents: { list: [{ id: "a", workspace: "/a" }, { id: "b" }] },
  }],
  ["the token of alerts", {}, { alerts: { ntfyToken: "new" } }],
  ["a model", {}, { agents: { defaults: { model: "mine/x" } } }],
];

describe("[O6] changes that only the terminal makes", () => {
  for (const [what, before, after, paths] of REFUSED) {
    it(`refuses ${what}`, () => {
      const refused = terminalOnly(before, after);
      assert.deepEqual(refused.map(({ path }) => path), paths);
      for (const { command } of refused) assert.match(command, /^barnacle config (?:un)?set /);
    });
  }
  for (const [what, before, after] of ALLOWED) {
    it(`allows ${what}`, () => assert.deepEqual(terminalOnly(before, after), []));
  }

  it("quotes a path for the shell", () => {
    const [refused] = terminalOnly({}, { mcp: { servers: { "it's": { command: "x" } } } });
    assert.equal(refused?.command, `barnacle config set 'mcp.servers."it'\\''s".command' …`);
  });
});
