import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { roleId, userId } from "../../support/discord/builders.ts";
import { policy as accessPolicy } from "../../policy/policies.ts";
import {
  ADA,
  GENERAL,
  KRILL,
  MODS,
  OPS,
  people,
  setUp,
  THREAD,
  WHALES,
  WRONG,
} from "./wrong_ids.ts";

describe("[P7] createUnknownIds()", () => {
  it("names each id of no guild once, with the bot's guilds that the config does not list", async () => {
    const { check, told, lines, whys } = setUp({
      [WRONG]: { reactionNotifications: "off" },
      [KRILL.id]: { reactionNotifications: "off" },
      "*": { reactionNotifications: "off" },
    });
    for (let n = 0; n < 3; n++) await check();
    const why = `the bot is in no such server; nearest: \`Whales\` (${WHALES.id})`;
    assert.deepEqual(whys(), [`guilds.${WRONG}: ${why}`]);
    assert.deepEqual(told, [
      "My config lists IDs or names that mean nothing at Discord. Correct them, or invite me:\n" +
      `- \`channels.discord.guilds.${WRONG}\`: ${why}`,
    ]);
    assert.deepEqual(lines.map(({ level, fields }) => [level, fields.rule]), [
      ["warn", `channels.discord.guilds.${WRONG}`],
    ]);
  });

  it("says so where the id means something else", async () => {
    const { check, whys } = setUp({
      [GENERAL.id]: { reactionNotifications: "off" },
      [ADA]: { reactionNotifications: "off" },
      [KRILL.id]: { reactionNotifications: "off", channels: { [MODS.id]: {} } },
    });
    await check();
    const [asRole = "", asChannel = "", asUser = ""] = whys().toSorted();
    assert.match(asChannel, /that is the channel `general` of the server `Krill & Co` \(\d+\)/);
    assert.match(asUser, /that is the user `ada`; nearest: `Whales`/);
    assert.match(asRole, /that is the role `Mods` of the server .*; nearest: `general`/);
  });

  it("names channels, roles and people that Discord does not know, the nearest channel first", async () => {
    const { check, whys } = setUp({
      [KRILL.id]: {
        reactionNotifications: "off",
        channels: { "1400000000000000991": {}, [GENERAL.id]: {}, [THREAD]: {} },
        users: [...people(ADA, WRONG), { kind: "role", id: roleId(WRONG) }],
      },
    }, { approvers: [userId("1400000000000000077")] });
    await check();
    const path = `guilds.${KRILL.id}`;
    assert.deepEqual(whys(), [
      `${path}.users[1]: ${WRONG}: Discord knows no such user; nearest: \`ada\` (${ADA})`,
      `${path}.users[2]: ${WRONG}: there is no such role; nearest: \`Mods\` (${MODS.id})`,
      `${path}.channels.1400000000000000991: there is no such channel; nearest: \`ops\` ` +
      `(${OPS.id}), \`general\` (${GENERAL.id})`,
      "execApprovals.approvers[0]: 1400000000000000077: Discord knows no such user; nearest: " +
      `\`ada\` (${ADA})`,
    ]);
  });

  it("[X5] forgets the names of people until the next look, also while it looks", async () => {
    const { check, whys, report, asked, told } = setUp({
      [KRILL.id]: { reactionNotifications: "off", users: people(ADA, WRONG) },
    });
    await check();
    assert.match(whys()[0] ?? "", /nearest: `ada`/);
    report.forget();
    assert.deepEqual(whys(), []);
    const questions = asked.length;
    const looking = check();
    report.forget();
    await looking;
    assert.deepEqual(whys(), []);
    assert.equal(asked.length, 2 * questions, "no answer is kept");
    await check();
    assert.equal(whys().length, 1);
    assert.equal(told.length, 1, "and the owners are told once");
  });

  it("tells the owners of another wrong id at the same place", async () => {
    const { report, told } = setUp({});
    const look = (id: string) =>
      report.check(accessPolicy({ guilds: {}, approvers: [userId(id)] }), [KRILL, WHALES]);
    await look("1400000000000000991");
    await look("1400000000000000991");
    await look("1400000000000000992");
    assert.deepEqual(told.map((text) => /\d{19}/.exec(text)?.[0]), [
      "1400000000000000991",
      "1400000000000000992",
    ]);
  });

  it("tells nothing of a look that a newer one has overtaken", async () => {
    const { report, told, whys } = setUp({});
    const wrong = accessPolicy({ guilds: {}, approvers: [userId("1400000000000000991")] });
    const older = report.check(wrong, [KRILL, WHALES]);
    await report.check(accessPolicy({ guilds: {} }), [KRILL, WHALES]);
    await older;
    assert.deepEqual([whys(), told], [[], []]);
  });

  it("asks Discord once for each id, again after no answer, and at most 50 at a time", async () => {
    const many = Array.from({ length: 60 }, (_, n) => `14000000000000001${10 + n}`);
    const { check, asked, whys, down } = setUp({
      [KRILL.id]: { reactionNotifications: "off", users: people(...many) },
    });
    down(true);
    await check();
    assert.deepEqual([asked.length, whys().length], [50, 0]);
    down(false);
    await check();
    assert.equal(asked.length, 100);
    await check();
    await check();
    assert.equal(asked.length, 110);
    assert.equal(whys().length, 10);
    const isLast = whys().map((why) => / more$/.test(why));
    assert.deepEqual([isLast.indexOf(true), whys().at(-1)?.slice(-13)], [9, "; and 50 more"]);
  });
});
