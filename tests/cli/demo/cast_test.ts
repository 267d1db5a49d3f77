import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { castOf, recast } from "../../../src/cli/demo/cast.ts";
import { demoWorld } from "../../../simulator/acts/demo_world.ts";
import { accountDefaults, configSchema } from "../../../src/config/schema/root.ts";

const GUILD = "900000000000000001";
const CHANNEL = "900000000000000002";
const OWNER = "900000000000000003";
const FRIEND = "900000000000000004";
const ROLE = "900000000000000005";

function cast(discord: object) {
  const demo = demoWorld();
  const settings = configSchema.parse({ channels: { discord } });
  const discordSettings = settings.channels.discord ?? accountDefaults();
  return { demo, ...castOf(discordSettings, demo) };
}

describe("[O5] castOf()", () => {
  it("has the demo's guild play the config's, whatever it is called by", () => {
    for (const key of [GUILD, "my-server", "Our Place"]) {
      const { demo, players, notes } = cast({ guilds: { "*": {}, [key]: {} } });
      assert.equal(players.get(key), demo.krill.id);
      assert.match(notes.join(), /is played by the guild Krill & Co/);
    }
  });

  it("has people play those on the lists, the first of direct messages first", () => {
    const { demo, players } = cast({
      dm: { allowFrom: [OWNER] },
      guilds: { [GUILD]: { users: [`<@${FRIEND}>`, `user:${OWNER}`, `role:${ROLE}`] } },
    });
    assert.equal(players.get(OWNER), demo.people.ada.id);
    assert.equal(players.get(FRIEND), demo.people.grace.id);
    assert.equal(players.get(ROLE), demo.helpers.id);
  });

  it("never makes the stranger somebody's friend", () => {
    const allowFrom = [0, 1, 2, 3, 4].map((digit) => `91000000000000000${digit}`);
    const { demo, players } = cast({ dm: { allowFrom } });
    assert.ok(![...players.values()].includes(demo.people.mallory.id));
  });

  it("has channels play those by id, and take the names of the others", () => {
    const { demo, players } = cast({
      guilds: { [GUILD]: { channels: { "*": {}, help: {}, [CHANNEL]: {}, "#lab": {} } } },
    });
    const names = [...demo.krill.channelIds].map((id) => demo.world.channels.get(id)?.name);
    assert.deepEqual(names.sort(), ["How do I feed krill?", "general", "help", "lab"]);
    assert.equal(players.get(CHANNEL), demo.channels.general.id);
  });

  it("has nobody play in a config without parts", () => {
    const { players, notes } = cast({ guilds: { "*": {} } });
    assert.equal(players.size, 0);
    assert.deepEqual(notes, []);
  });
});

describe("[O5] recast()", () => {
  it("replaces ids wherever they stand, and names only as whole strings", () => {
    const players = new Map([[OWNER, "1"], ["lab", "2"]]);
    assert.equal(
      recast(`{"a": ["user:${OWNER}", "<@${OWNER}>"], "lab": {}, "label": "lab rat"}`, players),
      '{"a": ["user:1", "<@1>"], "2": {}, "label": "lab rat"}',
    );
  });
});
