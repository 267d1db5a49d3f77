import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createUnreadable } from "../../../src/flows/catch_up/unreadable.ts";
import { channelId, guildId, guildPlace } from "../../support/discord/builders.ts";
import { recordingLog } from "../../support/recording_log.ts";

const PLACE = guildPlace();
const GUILD = guildId(PLACE.guild.id);
const HELP = { id: PLACE.channel.id, guildId: GUILD, place: PLACE };
const THREAD = {
  ...HELP,
  id: channelId("7"),
  place: { ...PLACE, thread: { id: channelId("7"), name: "a leak" } },
};
const HISTORY = "Read Message History";

class Refused extends Error {}

function setUp(look: () => Promise<readonly string[]>) {
  const { log, lines } = recordingLog();
  let looks = 0;
  const unreadable = createUnreadable({
    async readPermissions(id) {
      looks++;
      assert.equal(id, GUILD);
      const missing = await look();
      return (asked) => asked === HELP.id ? missing : [];
    },
    isRefused: (error) => error instanceof Refused,
    log,
  });
  return { unreadable, lines, looks: () => looks };
}

describe("[G6] createUnreadable()", () => {
  it("knows nothing before the first check", async () => {
    const { unreadable, looks } = setUp(() => Promise.resolve([HISTORY]));
    assert.equal(unreadable.has(HELP), false);
    assert.equal(looks(), 0);
    assert.equal(await unreadable.check(HELP), true);
    assert.equal(unreadable.has(HELP), true);
    assert.equal(looks(), 1);
  });

  it("judges a thread by its parent, and reports its own name", async () => {
    const { unreadable, lines } = setUp(() => Promise.resolve([HISTORY]));
    assert.equal(await unreadable.check(THREAD), true);
    assert.deepEqual(unreadable.list(), [{
      channelId: THREAD.id,
      name: "#a leak",
      missing: [HISTORY],
    }]);
    assert.deepEqual(lines.map(({ level }) => level), ["warn"]);
  });

  it("never checks a direct message channel", async () => {
    const { unreadable, looks } = setUp(() => Promise.resolve([HISTORY]));
    assert.equal(await unreadable.check({ id: channelId("8") }), false);
    assert.equal(looks(), 0);
  });

  it("recognizes a hidden channel, and logs no warning", async () => {
    const { unreadable, lines } = setUp(() => Promise.resolve(["View Channel"]));
    assert.equal(await unreadable.check(HELP), true);
    assert.deepEqual(unreadable.list(), []);
    assert.deepEqual(lines.map(({ level }) => level), ["debug"]);
  });

  it("reports nothing for a guild that the bot left, and throws other failures", async () => {
    assert.equal(await setUp(() => Promise.reject(new Refused())).unreadable.check(HELP), false);
    const failing = setUp(() => Promise.reject(new Error("503"))).unreadable;
    await assert.rejects(failing.check(HELP), /503/);
  });

  it("forgets all results on reset, and a channel that could be read", async () => {
    const { unreadable } = setUp(() => Promise.resolve([HISTORY]));
    await unreadable.check(HELP);
    unreadable.clear(HELP.id);
    assert.deepEqual(unreadable.list(), []);
    await unreadable.check(HELP);
    unreadable.reset();
    assert.equal(unreadable.has(HELP), false);
    assert.deepEqual(unreadable.list(), []);
  });
});
