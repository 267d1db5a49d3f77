import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type AccessRow, rowsOf } from "../../../src/extras/access/rows.ts";
import { policiesIn } from "../../../src/config/access.ts";
import type { ResolvedName } from "../../../src/core/names.ts";
import { restoreIndex } from "../../../src/discord/gateway/decode/guild_index.ts";
import { withNames } from "../../../src/policy/rules/pinned.ts";
import { userId } from "../../support/discord/builders.ts";
import { GUILD, GUILD_SNAPSHOT } from "../../cli/data_fixture.ts";

const { index } = restoreIndex([GUILD_SNAPSHOT]);

async function rows(
  discord: object,
  { names = [], more = {}, known = index, ...asked }: {
    names?: readonly ResolvedName[];
    more?: object;
    /** `undefined`: the store cannot be read. */
    paired?: number | undefined;
    known?: typeof index;
  } = {},
): Promise<readonly AccessRow[]> {
  const [table] = await policiesIn(JSON.stringify({ channels: { discord }, ...more }));
  assert.ok(table, "the config is valid");
  const paired = "paired" in asked ? asked.paired : 0;
  return rowsOf(withNames(table.access, names), known, paired);
}

const talkers = (table: readonly AccessRow[]) =>
  Object.fromEntries(table.map(({ place, talk }) => [place, talk.join(", ")]));

describe("[P1] rowsOf()", () => {
  it("[P2] has a row for direct messages under each policy", async () => {
    const dm = async (rules: object, paired = 0) =>
      talkers(await rows({ dm: rules }, { paired }))["direct messages"];
    assert.equal(await dm({}), "paired users (0)");
    assert.equal(await dm({ allowFrom: ["5"] }, 2), "paired users (2), 5");
    const unread = talkers(await rows({ dm: {} }, { paired: undefined }))["direct messages"];
    assert.equal(unread, "paired users (unknown)");
    assert.equal(await dm({ policy: "allowlist", allowFrom: ["5"] }, 2), "5");
    assert.equal(await dm({ policy: "allowlist" }), "no one");
    assert.equal(await dm({ policy: "open", allowFrom: ["*"] }), "everyone");
    assert.equal(await dm({ policy: "disabled" }), "no one");
    assert.equal(await dm({ enabled: false }), "no one");
  });

  it("[P5] has a row for group DMs", async () => {
    const group = async (rules: object) =>
      talkers(await rows({ dm: { policy: "open", allowFrom: ["*"], ...rules } }));
    assert.equal((await group({}))["group DMs"], "no one");
    assert.equal((await group({ groupEnabled: true }))["group DMs"], "everyone");
    assert.equal((await group({ groupEnabled: true, groupChannels: [] }))["group DMs"], "no one");
    const listed = await group({ groupEnabled: true, groupChannels: ["1400000000000000055"] });
    assert.equal(listed["group DMs: 1400000000000000055"], "everyone");
  });

  it("[P8] has a row for each listed channel and one for all others", async () => {
    const table = await rows({
      guilds: {
        [GUILD]: { users: ["5"], channels: { help: { users: ["*"] }, old: { allow: false } } },
      },
    });
    assert.deepEqual(talkers(table.slice(2)), {
      "Friends of Barnacle #help": "everyone",
      "Friends of Barnacle #old": "no one",
      "Friends of Barnacle, other channels": "no one",
      "any other guild": "no one",
    });
    assert.equal(table.find(({ place }) => place.endsWith("#old"))?.isUnknown, true);
    assert.equal(table.find(({ place }) => place.endsWith("#help"))?.isUnknown, undefined);
  });

  it('[P7] fills a listed channel from "*", and lets "*" be all others', async () => {
    const table = await rows({
      guilds: { [GUILD]: { channels: { help: {}, "*": { requireMention: false, users: ["5"] } } } },
    });
    assert.deepEqual(table.slice(2, 4).map(({ talk, needsMention }) => [talk, needsMention]), [
      [["5"], false],
      [["5"], false],
    ]);
  });

  it("shows each guild of the bot, also if the config does not name it", async () => {
    assert.deepEqual(talkers((await rows({})).slice(2)), {
      "Friends of Barnacle": "no one",
      "any other guild": "no one",
    });
    const open = talkers((await rows({ guilds: { "*": { users: ["5"] } } })).slice(2));
    assert.deepEqual(open, { "Friends of Barnacle": "5", "any other guild": "5" });
  });

  it("marks a guild as unknown if the bot is not in it", async () => {
    const table = await rows({ guilds: { "1400000000000000099": {}, elsewhere: {} } });
    assert.deepEqual(
      table.filter(({ isUnknown }) => isUnknown).map(({ place, talk }) => [place, talk[0]]),
      [["1400000000000000099", "everyone"], ["elsewhere", "everyone"]],
    );
  });

  it("shows a guild once that the config names by id and by name", async () => {
    const table = await rows({ guilds: { [GUILD]: { users: ["5"] }, "friends-of-barnacle": {} } });
    assert.deepEqual(talkers(table.slice(2)), {
      "Friends of Barnacle": "5",
      "any other guild": "no one",
    });
    assert.equal(table.length, 4);
  });

  it("[P6] admits no one if guilds are disabled", async () => {
    const table = await rows({ groupPolicy: "disabled", guilds: { [GUILD]: {} } });
    assert.ok(table.slice(2).every(({ talk }) => talk.join() === "no one"));
  });

  it("[P4] marks unresolved names, but not resolved ones", async () => {
    const discord = { dm: { policy: "allowlist", allowFrom: ["ada", "grace"] } };
    const name: ResolvedName = { kind: "user", id: userId("5"), typed: "ada", name: "ada", at: 1 };
    const [dm] = await rows(discord, { names: [name] });
    assert.deepEqual(dm?.talk, ["ada = 5", "grace?"]);
  });

  it("[H5][K3] shows which reactions count, and who may use commands", async () => {
    const discord = { guilds: { [GUILD]: { users: ["5"], reactionNotifications: "all" } } };
    const [, , guild] = await rows(discord);
    assert.deepEqual([guild?.reactions, guild?.commands, guild?.sessionCommands], [
      "all",
      ["5"],
      "managers",
    ]);
    const more = { commands: { useAccessGroups: false } };
    const [, , free] = await rows(discord, { more });
    assert.deepEqual([free?.talk, free?.commands], [["5"], ["everyone"]]);
  });
});
