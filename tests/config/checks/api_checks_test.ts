/** Tests the checks of `api`. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { load } from "../support.ts";

const TOKEN = "t".repeat(32);
const house = { token: TOKEN, user: "123456789012345678" };

function textOf(api: object, more: object = {}): string {
  return JSON.stringify({ channels: { discord: { token: "t" } }, api, ...more });
}

const CASES: readonly (readonly [what: string, text: string, path: string, words: RegExp])[] = [
  [
    "a short token",
    textOf({ programs: { house: { ...house, token: "t".repeat(31) } } }),
    "api.programs.house.token",
    /^The token is too short$/,
  ],
  [
    "one token twice",
    textOf({ programs: { house, desk: house } }),
    "api.programs.desk.token",
    /^The programs "house" and "desk" have the same token$/,
  ],
  [
    "an unknown agent",
    textOf({ programs: { house: { ...house, agent: "nobody" } } }),
    "api.programs.house.agent",
    /^There is no agent "nobody"$/,
  ],
  [
    "an unknown account",
    textOf({ programs: { house: { ...house, account: "second" } } }),
    "api.programs.house.account",
    /^There is no account "second"$/,
  ],
  [
    "a user by name",
    textOf({ programs: { house: { ...house, user: "ada" } } }),
    "api.programs.house.user",
    /Expected the id of a Discord user/,
  ],
  [
    "a name with blanks",
    textOf({ programs: { "my house": house } }),
    'api.programs."my house"',
    /Expected a name of a-z/,
  ],
  [
    "a model at its own address",
    textOf({ port: 8_800, programs: { house } }, {
      models: {
        providers: { own: { kind: "openai-compatible", baseUrl: "http://localhost:8800/v1" } },
      },
    }),
    "models.providers.own.baseUrl",
    /^This is the address of the bot's own API$/,
  ],
  [
    "an MCP server at its own address",
    textOf({ programs: { house } }, {
      mcp: { servers: { own: { url: "http://[::1]:8789/mcp" } } },
    }),
    "mcp.servers.own.url",
    /^This is the address of the bot's own API$/,
  ],
];

describe("[O14] [SEC-R30] apiProblems()", () => {
  for (const [what, text, path, words] of CASES) {
    it(`refuses ${what}`, async () => {
      const { kind, problems } = await load(text, { env: {} });
      assert.equal(kind, "refused");
      const errors = problems.filter(({ severity }) => severity === "error");
      assert.deepEqual(errors.map((problem) => problem.path), [path], JSON.stringify(errors));
      assert.match(errors[0]?.message ?? "", words);
    });
  }

  it("warns about addresses that other machines can reach", async () => {
    const { problems } = await load(textOf({ bind: "0.0.0.0", programs: { house } }), { env: {} });
    assert.ok(problems.some(({ path, severity }) => path === "api.bind" && severity === "warning"));
  });

  it("says nothing without programs", async () => {
    const { problems } = await load(textOf({ bind: "0.0.0.0" }), { env: {} });
    assert.ok(!problems.some(({ path }) => path?.startsWith("api")));
  });
});
