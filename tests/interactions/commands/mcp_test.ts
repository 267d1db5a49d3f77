import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { CommandCall } from "../../../src/core/inbound/interactions.ts";
import type { McpLoginState } from "../../../src/core/people/mcp_login.ts";
import type { McpSignIns } from "../../../src/interactions/parts/mcp_sign_ins.ts";
import { mcp } from "../../../src/interactions/commands/mcp.ts";
import { guildMessage } from "../../support/discord/builders.ts";
import { interactionContext } from "../../support/discord/interaction_context.ts";

const NOW = Date.UTC(2026, 10, 22);

function build(parts: Partial<McpSignIns> = {}, states: readonly McpLoginState[] = []) {
  const context = interactionContext({
    now: () => NOW,
    mcp: {
      ids: () => states.map(({ id }) => id),
      states: () => Promise.resolve(states),
      begin: () => assert.fail("the test begins no sign-in"),
      finish: () => assert.fail("the test ends no sign-in"),
      logout: () => assert.fail("the test deletes no login"),
      ...parts,
    },
  });
  const use = async (subcommand: string, options: CommandCall["options"] = {}) =>
    String(await mcp.run({ ...guildMessage(), name: "mcp", subcommand, options }, context));
  return { use, context };
}

describe("[K2] [T13] /mcp", () => {
  it("is for owners, in private, and only if the config has servers", () => {
    assert.equal(mcp.needs, "owner");
    assert.equal(mcp.isPrivate, true);
    assert.equal(mcp.isOffered?.(build().context), false);
    assert.equal(mcp.isOffered?.(build({}, [{ id: "far", login: "none" }]).context), true);
  });

  it("lists servers with their logins", async () => {
    const { use } = build({}, [
      { id: "a", login: "program" },
      { id: "b", login: "token" },
      { id: "c", login: "none" },
      { id: "d", login: "ended" },
      { id: "e", login: "valid" },
      { id: "f", login: "valid", until: NOW - 1, isRenewed: true },
      { id: "g", login: "valid", until: NOW - 1, isRenewed: false },
      { id: "h", login: "valid", until: NOW + 1_000, isRenewed: false },
    ]);
    assert.deepEqual((await use("list")).split("\n"), [
      "My MCP servers:",
      "– `a`: a program",
      "– `b`: token of the config",
      "– `c`: no login",
      "– `d`: the login has ended",
      "– `e`: logged in",
      "– `f`: logged in",
      "– `g`: the login has ended",
      "– `h`: logged in until 2026-11-22 00:00:01 UTC",
    ]);
  });

  it("keeps each answer within a message, whatever the server's words", async () => {
    const many = Array.from({ length: 100 }, (_, at): McpLoginState => ({
      id: `${at}`.padEnd(100, "x"),
      login: "valid",
      until: NOW + 1,
    }));
    const begin = (address: string) =>
      build({ begin: () => Promise.resolve({ kind: "begun", address }) })
        .use("login", { server: "s".repeat(500) });
    const problem = "p".repeat(5_000);
    const answers = [
      await build({}, many).use("list"),
      await begin(`https://a.example/${"x".repeat(1_380)}`),
      await begin(`https://a.example/${"x".repeat(5_000)}`),
      await build({ begin: () => Promise.resolve({ kind: "problem", problem }) })
        .use("login", { server: "s" }),
    ];
    assert.deepEqual(answers.filter(({ length }) => length < 1 || length > 2_000), []);
    assert.match(answers[0] ?? "", /… \+88$/);
    assert.match(answers[2] ?? "", /too long for Discord; run `barnacle mcp login s/);
  });
});
