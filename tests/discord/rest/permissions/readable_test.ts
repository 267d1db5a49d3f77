import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  createCanReadHistory,
  createMissingReadPermissions,
} from "../../../../src/discord/rest/permissions/denial.ts";
import { channelId, guildId, userId } from "../../../support/discord/builders.ts";
import { withDiscord } from "../simulated.ts";

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
    {
      id: "2",
      type: 0,
      permission_overwrites: [{ id: "900", type: 1, allow: "0", deny: `${1 << 16}` }],
    },
    {
      id: "3",
      type: 0,
      permission_overwrites: [
        { id: "100", type: 0, allow: "0", deny: `${(1 << 10) | (1 << 16)}` },
      ],
    },
  ],
};

function setUp(bodies: Readonly<Record<string, unknown>> = BODIES) {
  const asked: [string, unknown][] = [];
  const missingToRead = createMissingReadPermissions({
    request(_method, path, options) {
      asked.push([path, options]);
      const body = bodies[path];
      return body instanceof Error ? Promise.reject(body) : Promise.resolve(body);
    },
  }, { priority: "background" });
  return { missingToRead, asked };
}

describe("[G6] createMissingReadPermissions()", () => {
  it("checks every channel of a guild with three background requests", async () => {
    const { missingToRead, asked } = setUp();
    const missing = await missingToRead(GUILD, BOT);
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
});

describe("[D2] createCanReadHistory()", () => {
  it("tells whether an empty history means an empty channel", () =>
    withDiscord(async (discord) => {
      const { api, sim, demo } = discord;
      const place = {
        channelId: demo.channels.help.id,
        guildId: demo.krill.id,
        userId: demo.barnacle.userId,
      };
      const canRead = createCanReadHistory(api);
      const inThread = { ...place, channelId: demo.channels.thread.id };
      assert.deepEqual([await canRead(place), await canRead(inThread)], [true, true]);
      sim.setThread({ in: inThread.channelId, isLocked: true });
      sim.timeOut({ who: "Barnacle", until: Date.now() + 60_000 });
      assert.deepEqual([await canRead(place), await canRead(inThread)], [true, true]);
      sim.permit({ to: "Barnacle", what: "readMessageHistory", as: "denied", in: "#help" });
      assert.deepEqual([await canRead(place), await canRead(inThread)], [false, false]);
      const { guildId: _, ...direct } = place;
      assert.equal(await canRead(direct), true);
      assert.equal(await canRead({ ...place, channelId: channelId("1") }), false);
    }));
});
