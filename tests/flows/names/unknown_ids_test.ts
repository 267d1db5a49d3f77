import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createUnknownIds } from "../../../src/flows/names/unknown_ids.ts";
import type { AccessPolicy } from "../../../src/policy/rules/rules.ts";
import { channelId, guildId, roleId, userId } from "../../support/discord/builders.ts";
import { policy as accessPolicy } from "../../policy/policies.ts";
import { recordingLog } from "../../support/recording_log.ts";

const GENERAL = { id: channelId("1400000000000000020"), name: "general" };
const OPS = { id: channelId("1400000000000000990"), name: "ops" };
const MODS = { id: roleId("1400000000000000030"), name: "Mods" };
const KRILL = {
  id: guildId("1400000000000000010"),
  name: "Krill & Co",
  channels: [GENERAL, OPS],
  roles: [MODS],
};
const WHALES = { id: guildId("1400000000000000011"), name: "Whales", channels: [], roles: [] };
const WRONG = "1400000000000000012";
const ADA = userId("1400000000000000040");
const THREAD = channelId("1400000000000000050");
const USERS = new Map<string, string>([[ADA, "ada"]]);

function setUp(guilds: AccessPolicy["guilds"], others: Partial<AccessPolicy> = {}) {
  const { log, lines } = recordingLog();
  const told: string[] = [];
  const asked: string[] = [];
  let isUp = true;
  const report = createUnknownIds({ texts: () => ({}), log }, {
    user(id) {
      asked.push(id);
      return isUp ? Promise.resolve(USERS.get(id)) : Promise.reject(new Error("down"));
    },
    channel(id) {
      asked.push(id);
      return Promise.resolve(id === THREAD ? { guildId: KRILL.id } : undefined);
    },
  }, (text) => {
    told.push(text);
    return Promise.resolve();
  });
  const policy = accessPolicy({ ...others, guilds });
  return {
    told,
    asked,
    lines,
    policy,
    down: (is: boolean) => void (isUp = !is),
    whys: () => report.findings().map(({ why }) => why.replace(/^channels\.discord\./, "")),
    check: () => report.check(policy, [KRILL, WHALES]),
    report,
  };
}

const people = (...ids: string[]) => ids.map((id) => ({ kind: "user", id: userId(id) } as const));

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
      "My config lists IDs that mean nothing at Discord. Correct them, or invite me:\n" +
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
      `${path}.users[1]: ${WRONG}: Discord knows no such user`,
      `${path}.users[2]: ${WRONG}: there is no such role; nearest: \`Mods\` (${MODS.id})`,
      `${path}.channels.1400000000000000991: there is no such channel; nearest: \`ops\` ` +
      `(${OPS.id}), \`general\` (${GENERAL.id})`,
      "execApprovals.approvers[0]: 1400000000000000077: Discord knows no such user",
    ]);
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

  it("takes no id of a webhook for a wrong one where bots are answered", async () => {
    const { check, whys } = setUp({
      [KRILL.id]: { reactionNotifications: "off", users: people(WRONG) },
    }, { allowBots: true });
    await check();
    assert.deepEqual(whys(), []);
  });
});
