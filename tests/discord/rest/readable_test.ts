import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createLookAtGuild } from "../../../src/discord/rest/readable.ts";
import { RestError } from "../../../src/discord/rest/rest_error.ts";
import { channelId, guildId, userId } from "../../support/builders.ts";

const GUILD = guildId("100");
const BOT = userId("900");
const [OPEN, SILENT, HIDDEN, ABSENT] = ["1", "2", "3", "4"].map(channelId);

const BODIES: Readonly<Record<string, unknown>> = {
  "/guilds/100": {
    owner_id: "901",
    name: "Krill",
    roles: [{ id: "100", permissions: String((1 << 10) | (1 << 16)), name: "@everyone" }],
  },
  "/guilds/100/members/900": { roles: [], nick: null },
  "/guilds/100/channels": [
    { id: "1", type: 0 },
    { id: "2", permission_overwrites: [{ id: "900", type: 1, allow: "0", deny: `${1 << 16}` }] },
    { id: "3", permission_overwrites: [{ id: "100", type: 0, allow: "0", deny: `${1 << 10}` }] },
  ],
};

function setUp(bodies: Readonly<Record<string, unknown>> = BODIES) {
  const asked: [string, unknown][] = [];
  const look = createLookAtGuild({
    request(_method, path, options) {
      asked.push([path, options]);
      const body = bodies[path];
      return body instanceof Error ? Promise.reject(body) : Promise.resolve(body);
    },
  }, { priority: "background" });
  return { look, asked };
}

describe("[G6] createLookAtGuild()", () => {
  it("tells of every channel of a guild, by three requests that hurry nobody", async () => {
    const { look, asked } = setUp();
    const missing = await look(GUILD, BOT);
    assert.deepEqual([OPEN, SILENT, HIDDEN, ABSENT].map((id) => missing(id!)), [
      [],
      ["Read Message History"],
      ["View Channel"],
      ["View Channel"],
    ]);
    assert.deepEqual(asked.map(([path]) => path), [
      "/guilds/100",
      "/guilds/100/members/900",
      "/guilds/100/channels",
    ]);
    assert.ok(
      asked.every(([, options]) => JSON.stringify(options) === '{"priority":"background"}'),
    );
  });

  it("passes on what Discord refuses", async () => {
    const refusal = new RestError("failed", { kind: "forbidden", route: "GET /guilds/:id" });
    await assert.rejects(setUp({ ...BODIES, "/guilds/100": refusal }).look(GUILD, BOT), refusal);
  });

  for (
    const [path, body] of [
      ["/guilds/100", { roles: [] }],
      ["/guilds/100", { owner_id: "901", roles: [{ id: "100", permissions: "all" }] }],
      ["/guilds/100/channels", {}],
      ["/guilds/100/channels", [{ id: "1", permission_overwrites: [{ id: "1" }] }]],
    ] as const
  ) {
    it(`refuses what is not Discord's: ${path} ${JSON.stringify(body)}`, () =>
      assert.rejects(setUp({ ...BODIES, [path]: body }).look(GUILD, BOT), RestError));
  }
});
