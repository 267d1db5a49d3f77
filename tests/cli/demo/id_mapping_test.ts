import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { mapToDemo, replaceIds } from "../../../src/cli/demo/prepare_config.ts";
import { demoWorld } from "../../../simulator/actions/demo_world.ts";
import { configSchema } from "../../../src/config/schema/root.ts";

const GUILD = "900000000000000001";
const CHANNEL = "900000000000000002";
const OWNER = "900000000000000003";
const FRIEND = "900000000000000004";
const ROLE = "900000000000000005";

function cast(discord: object) {
  const demo = demoWorld();
  configSchema.parse({ channels: { discord } });
  return { demo, ...mapToDemo(discord, demo) };
}

describe("[O5] mapToDemo()", () => {
  it("maps the config's guild, by id or by name", () => {
    for (const key of [GUILD, "my-server", "Our Place"]) {
      const { demo, ids, notes } = cast({ guilds: { "*": {}, [key]: {} } });
      assert.equal(ids.get(key), demo.krill.id);
      assert.match(notes.join(), /is the guild Krill & Co in the demo/);
    }
  });

  it("maps the people on the lists, the first of direct messages first", () => {
    const { demo, ids } = cast({
      dm: { allowFrom: [OWNER] },
      guilds: { [GUILD]: { users: [`<@${FRIEND}>`, `user:${OWNER}`, `role:${ROLE}`] } },
    });
    assert.equal(ids.get(OWNER), demo.people.ada.id);
    assert.equal(ids.get(FRIEND), demo.people.grace.id);
    assert.equal(ids.get(ROLE), demo.helpers.id);
  });

  it("never maps the unknown user", () => {
    const allowFrom = [0, 1, 2, 3, 4].map((digit) => `91000000000000000${digit}`);
    const { demo, ids } = cast({ dm: { allowFrom } });
    assert.ok(![...ids.values()].includes(demo.people.mallory.id));
  });

  it("maps channels by id, and renames channels for names", () => {
    const { demo, ids } = cast({
      guilds: { [GUILD]: { channels: { "*": {}, help: {}, [CHANNEL]: {}, "#lab": {} } } },
    });
    const names = [...demo.krill.channelIds].map((id) => demo.world.channels.get(id)?.name);
    assert.deepEqual(names.sort(), ["How do I feed krill?", "general", "help", "lab"]);
    assert.equal(ids.get(CHANNEL), demo.channels.general.id);
  });

  it("maps nothing in a config without ids", () => {
    const { ids, notes } = cast({ guilds: { "*": {} } });
    assert.equal(ids.size, 0);
    assert.deepEqual(notes, []);
  });
});

describe("[O5] replaceIds()", () => {
  it("replaces ids within strings, and names only as whole strings", () => {
    const ids = new Map([[OWNER, "1"], ["lab", "2"]]);
    assert.equal(
      replaceIds(`{"a": ["user:${OWNER}", "<@${OWNER}>"], "lab": {}, "label": "lab rat"}`, ids),
      '{"a": ["user:1", "<@1>"], "2": {}, "label": "lab rat"}',
    );
  });
});
