import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { PossiblePerson } from "../../../src/flows/names/find_wrong_ids.ts";
import type { GuildSight } from "../../../src/flows/names/seen_shards.ts";
import type { ListedId } from "../../../src/policy/rules/listed_ids.ts";
import type { AccessPolicy } from "../../../src/policy/rules/rules.ts";
import { policy as accessPolicy } from "../../policy/policies.ts";
import { channelId, guildId, roleId, userId } from "../../support/discord/builders.ts";
import {
  ADA,
  CATEGORY_ELSEWHERE,
  DIRECT,
  GENERAL,
  HIDDEN,
  HOOK,
  KRILL,
  MODS,
  OPS,
  people,
  setUp,
  THREAD,
  WHALES,
  WHALES_THREAD,
  WRONG,
} from "./wrong_ids.ts";

describe("[P7] createFindWrongIds()", () => {
  it("asks Discord about an id as a user, a channel and a webhook apart", async () => {
    const { check, asked, whys } = setUp({
      [ADA]: { reactionNotifications: "off", channels: { [ADA]: {} } },
      [KRILL.id]: { reactionNotifications: "off", users: people(THREAD) },
      "*": { reactionNotifications: "off", channels: { [THREAD]: {} } },
    }, { allowBots: true });
    await check();
    await check();
    assert.deepEqual(asked, [
      `user ${ADA}`,
      `channel ${ADA}`,
      `user ${THREAD}`,
      `webhook ${THREAD}`,
      `channel ${THREAD}`,
    ]);
    assert.deepEqual(whys().map((why) => why.replace(/;.*/, "")), [
      `guilds.${ADA}: that is the user \`ada\``,
      `guilds.${ADA}.channels.${ADA}: there is no such channel`,
      `guilds.${KRILL.id}.users[0]: ${THREAD}: Discord knows no such user or webhook`,
    ]);
  });
});

describe("[P7] createFindWrongIds() with guilds that the process does not see", () => {
  const role = { kind: "role", id: roleId("1400000000000000777") } as const;
  const rules = (...ids: string[]) => ({
    reactionNotifications: "off" as const,
    users: [role],
    channels: Object.fromEntries(ids.map((id) => [id, {}])),
  });
  const none = "1400000000000000991";
  const lines = async (
    guilds: AccessPolicy["guilds"],
    sight: GuildSight,
    others: Partial<AccessPolicy> = {},
  ) => {
    const { policy, report, whys } = setUp(guilds, others);
    await report.check(policy, [KRILL], { sight });
    return whys().map((why) => why.replace(/(?:: that is|; nearest).*/, ""));
  };
  const sight: GuildSight = { mayMiss: (id) => id !== KRILL.id };

  it("finds nothing wrong within them", async () => {
    assert.deepEqual(await lines({ [WHALES.id]: rules(none, GENERAL.id) }, sight), []);
  });

  it("finds within all guilds only what no guild can have", async () => {
    const guilds = { "*": rules(none, CATEGORY_ELSEWHERE, MODS.id) };
    const found = [
      `guilds.*.channels.${none}: there is no such channel`,
      `guilds.*.channels.${MODS.id}`,
    ];
    assert.deepEqual(await lines(guilds, sight), found);
  });

  it("finds everything within a guild that it sees", async () => {
    const found = [
      `guilds.${KRILL.id}.channels.${none}: there is no such channel`,
      `guilds.${KRILL.id}.channels.${CATEGORY_ELSEWHERE}`,
      `guilds.${KRILL.id}.users[0]: ${role.id}: there is no such role`,
    ];
    const why = await lines({ [KRILL.id]: rules(none, CATEGORY_ELSEWHERE) }, sight);
    assert.deepEqual(why.toSorted(), found.toSorted());
  });

  it("reports people outside guilds", async () => {
    const commands = { owners: [{ kind: "user", id: userId(none) }] } as const;
    const people = { commands: { ...accessPolicy({}).commands, ...commands } };
    assert.equal((await lines({}, sight, people)).length, 1);
  });
});

describe("[P7] createFindWrongIds() with ids beside the access rules", () => {
  const none = "1400000000000000991";
  const lines = async (...others: readonly ListedId[]) => {
    const { policy, report, whys } = setUp({ [KRILL.id]: { reactionNotifications: "off" } });
    await report.check(policy, [KRILL, WHALES], { others });
    return whys();
  };

  it("names a wrong guild with all guilds of the bot beside it", async () => {
    const listed = { kind: "guild", id: guildId(none), rule: "bindings[0].match.guildId" } as const;
    assert.deepEqual(await lines(listed), [
      `bindings[0].match.guildId: ${none}: the bot is in no such server; nearest: ` +
      `\`Whales\` (${WHALES.id}), \`Krill & Co\` (${KRILL.id})`,
    ]);
  });

  it("names a role that no guild has, and one that is another thing", async () => {
    const role = (id: string) =>
      ({ kind: "role", id: roleId(id), guild: "*", rule: `budgets.perRole.${id}` }) as const;
    const found = await lines(role(MODS.id), role(none), role(GENERAL.id));
    assert.deepEqual(found.map((why) => why.replace(/; nearest.*/, "")), [
      `budgets.perRole.${none}: there is no such role`,
      `budgets.perRole.${GENERAL.id}: that is the channel \`general\` of the server ` +
      `\`Krill & Co\` (${KRILL.id})`,
    ]);
  });

  it("accepts each channel that exists, also one of direct messages", async () => {
    const channel = (id: string) =>
      ({ kind: "channel", id: channelId(id), rule: "approvals.answers.channel" }) as const;
    const right = [GENERAL.id, THREAD, CATEGORY_ELSEWHERE, HIDDEN, DIRECT];
    const found = await lines(...right.map(channel), channel(none), channel(MODS.id));
    assert.deepEqual(found.map((why) => why.replace(/; nearest.*/, "")), [
      `approvals.answers.channel: ${none}: there is no such channel`,
      `approvals.answers.channel: ${MODS.id}: that is the role \`Mods\` of the server ` +
      `\`Krill & Co\` (${KRILL.id})`,
    ]);
  });
});

describe("[P7] createFindWrongIds(), a channel of a guild of the bot", () => {
  it("is right if its entry may mean a guild of which only the id is known", async () => {
    const id = guildId("1400000000000000013");
    const awaited = { id, name: id, channels: [], roles: [], isUnread: true } as const;
    const { policy, report, whys } = setUp({
      elsewhere: { reactionNotifications: "off", channels: { [CATEGORY_ELSEWHERE]: {} } },
      [WRONG]: { reactionNotifications: "off" },
    });
    await report.check(policy, [KRILL, awaited]);
    const near = `nearest: \`Krill & Co\` (${KRILL.id})`;
    assert.deepEqual(whys(), [`guilds.${WRONG}: the bot is in no such server; ${near}`]);
  });

  it("is named as one of another server or place, with the nearest of its own guild", async () => {
    const none = "1400000000000000991";
    const { check, whys } = setUp({
      [KRILL.id]: {
        reactionNotifications: "off",
        channels: { [WHALES_THREAD]: {}, [CATEGORY_ELSEWHERE]: {} },
      },
      [WHALES.id]: { reactionNotifications: "off", channels: { [none]: {} } },
    });
    await check();
    const path = `guilds.${KRILL.id}.channels`;
    const near = `; nearest: \`general\` (${GENERAL.id}), \`ops\` (${OPS.id})`;
    assert.deepEqual(whys(), [
      `${path}.${WHALES_THREAD}: that is a channel of the server \`Whales\` (${WHALES.id})${near}`,
      `${path}.${CATEGORY_ELSEWHERE}: that is a channel of another place${near}`,
      `guilds.${WHALES.id}.channels.${none}: there is no such channel`,
    ]);
  });
});

describe("[P7] createFindWrongIds(), a channel of a guild that the bot is not in", () => {
  const path = `guilds.${WRONG}`;
  const listed = (...ids: string[]): AccessPolicy["guilds"] => ({
    [WRONG]: {
      reactionNotifications: "off",
      channels: Object.fromEntries(ids.map((id) => [id, {}])),
    },
  });
  const channelWhys = async (...ids: string[]) => {
    const { check, whys, asked } = setUp(listed(...ids));
    await check();
    const [guild = "", ...channels] = whys();
    assert.match(guild, new RegExp(`^${path}: the bot is in no such server`));
    return {
      channels,
      asked: asked.filter((question) => /^channel (?!1400000000000000012)/.test(question)),
    };
  };

  it("names one that Discord does not know, with the nearest of all guilds of the bot", async () => {
    const none = "1400000000000000991";
    const { channels } = await channelWhys(none);
    assert.deepEqual(channels, [
      `${path}.channels.${none}: there is no such channel; nearest: \`ops\` (${OPS.id}), ` +
      `\`general\` (${GENERAL.id})`,
    ]);
  });

  it("names one of another guild of the bot, without a question and without others", async () => {
    const { channels, asked } = await channelWhys(GENERAL.id);
    const server = `the server \`Krill & Co\` (${KRILL.id})`;
    assert.deepEqual(channels, [
      `${path}.channels.${GENERAL.id}: that is the channel \`general\` of ${server}`,
    ]);
    assert.deepEqual(asked, []);
  });

  it("names a thread of another guild, and a direct channel", async () => {
    const { channels } = await channelWhys(THREAD, DIRECT);
    const near = `; nearest: \`general\` (${GENERAL.id}), \`ops\` (${OPS.id})`;
    assert.deepEqual(channels, [
      `${path}.channels.${THREAD}: that is a channel of the server \`Krill & Co\` (${KRILL.id})`,
      `${path}.channels.${DIRECT}: that is a channel of another place${near}`,
    ]);
  });

  it("says so where its id is that of a role", async () => {
    const { channels } = await channelWhys(MODS.id);
    assert.equal(channels.length, 1);
    assert.match(channels[0] ?? "", /that is the role `Mods` of .*; nearest: `general`/);
  });

  it("accepts one that exists, hidden or of a guild that the bot may have joined since", async () => {
    const { channels, asked } = await channelWhys(HIDDEN, CATEGORY_ELSEWHERE);
    assert.deepEqual(channels, []);
    assert.deepEqual(asked, [`channel ${HIDDEN}`, `channel ${CATEGORY_ELSEWHERE}`]);
  });

  it("accepts it as long as Discord does not answer", async () => {
    const { check, whys, down } = setUp(listed("1400000000000000991"));
    down(true);
    await check();
    assert.equal(whys().length, 1);
    down(false);
    await check();
    assert.equal(whys().length, 2);
  });
});

describe("[P7] createFindWrongIds(), people near a wrong id", () => {
  const ID = "163456789012345678";
  const person = (digits: string, name?: string): PossiblePerson => ({ id: userId(digits), name });
  const approver = { approvers: [userId(ID)] };
  const nearOf = async (
    known: () => Promise<readonly PossiblePerson[]>,
    others: Partial<AccessPolicy> = approver,
  ) => {
    const scene = setUp({}, others, known);
    await scene.check();
    const whys = scene.whys().map((why) => why.split(": ").slice(2).join(": "));
    return { ...scene, whys };
  };

  it("names people whom Barnacle knows, the nearest first, and no others", async () => {
    const { whys, asked } = await nearOf(() =>
      Promise.resolve([
        person("163456789012345999", "three digits off"),
        person("163456789012300000", "five digits off"),
        person("163456789012345679", "a `friend`\n"),
        person("973456789012345001", "a stranger"),
      ])
    );
    assert.deepEqual(whys, [
      "Discord knows no such user; nearest: `a ˋfriendˋ` (163456789012345679), " +
      "`three digits off` (163456789012345999)",
    ]);
    assert.deepEqual(asked, [`user ${ID}`]);
  });

  it("names people of the config, also those that it lists later", async () => {
    const { whys } = await nearOf(() => Promise.resolve([]), {
      approvers: [userId("1400000000000000041"), ADA],
    });
    assert.deepEqual(whys, [`Discord knows no such user; nearest: \`ada\` (${ADA})`]);
  });

  it("asks Discord for the name of an owner, only if the owner's id is near", async () => {
    const { whys, asked, check } = await nearOf(
      () => Promise.resolve([person(ADA), person("1400000000000000044"), person("7")]),
      { approvers: [userId("1400000000000000041")] },
    );
    assert.deepEqual(whys, [`Discord knows no such user; nearest: \`ada\` (${ADA})`]);
    const questions = [41, 40, 44].map((end) => `user 14000000000000000${end}`);
    assert.deepEqual(asked, questions);
    await check();
    assert.deepEqual(asked, questions);
  });

  it("keeps the name of a person who also comes without one", async () => {
    const { whys, asked } = await nearOf(() =>
      Promise.resolve([
        person("163456789012345679"),
        person("163456789012345679", "edsger"),
        person("163456789012345679"),
      ])
    );
    assert.deepEqual(whys, [
      "Discord knows no such user; nearest: `edsger` (163456789012345679)",
    ]);
    assert.deepEqual(asked, [`user ${ID}`]);
  });

  it("names at most five, and never the wrong id itself", async () => {
    const { whys } = await nearOf(() =>
      Promise.resolve([
        person(ID, "deleted"),
        ...[1, 2, 3, 4, 5, 6].map((end) => person(`16345678901234567${end}`, `p${end}`)),
      ])
    );
    const named = [1, 2, 3, 4, 5].map((end) => `\`p${end}\` (16345678901234567${end})`);
    assert.deepEqual(whys, [`Discord knows no such user; nearest: ${named.join(", ")}`]);
  });

  it("names none beside the id of another object", async () => {
    const near = person("1400000000000000031", "grace");
    const { whys, reads } = await nearOf(() => Promise.resolve([near]), {
      approvers: [userId(MODS.id)],
    });
    assert.equal(whys.length, 1);
    assert.match(whys[0] ?? "", /^that is the role `Mods` of the server `Krill & Co` \(\d+\)$/);
    assert.equal(reads(), 0);
  });

  it("reads these people only for a wrong id, once for all of them", async () => {
    const none = () => Promise.resolve([]);
    assert.equal((await nearOf(none, { approvers: [ADA] })).reads(), 0);
    const two = await nearOf(none, { approvers: [userId(ID), userId("999999999999999999")] });
    assert.deepEqual([two.reads(), two.whys.length], [1, 2]);
  });

  it("reports the id if these people cannot be read", async () => {
    const { whys } = await nearOf(() => Promise.reject(new Error("the store is gone")));
    assert.deepEqual(whys, ["Discord knows no such user"]);
  });

  it("asks for names within the limit of questions", async () => {
    const wrong = Array.from({ length: 50 }, (_, n) => userId(`14000000000000001${10 + n}`));
    const { asked } = await nearOf(
      () => Promise.resolve([person("1400000000000000111")]),
      { approvers: wrong.filter((id) => id !== "1400000000000000111") },
    );
    assert.equal(asked.length, 50);
    const full = await nearOf(() => Promise.resolve([person(ADA)]), { approvers: wrong });
    assert.equal(full.asked.length, 50);
    assert.deepEqual(
      new Set(full.whys.map((why) => why.replace(/; and .*/, ""))),
      new Set([
        "Discord knows no such user",
      ]),
    );
  });
});

describe("[P7] createFindWrongIds(), webhooks where bots are answered", () => {
  const setUpHooks = (users: readonly string[], others: Partial<AccessPolicy> = {}) =>
    setUp({ [KRILL.id]: { reactionNotifications: "off", users: people(...users) } }, others);

  it("accepts the id of a webhook, and reports that of neither", async () => {
    const { check, whys, asked } = setUpHooks([HOOK, WRONG, ADA], { allowBots: true });
    await check();
    assert.deepEqual(whys(), [
      `guilds.${KRILL.id}.users[1]: ${WRONG}: Discord knows no such user or webhook; nearest: ` +
      `\`ada\` (${ADA})`,
    ]);
    assert.deepEqual(asked, [
      `user ${HOOK}`,
      `webhook ${HOOK}`,
      `user ${WRONG}`,
      `webhook ${WRONG}`,
      `user ${ADA}`,
    ]);
  });

  it("asks for no webhook where bots are not answered, or outside of guilds", async () => {
    const { check, whys, asked } = setUpHooks([HOOK]);
    await check();
    assert.deepEqual(whys(), [`guilds.${KRILL.id}.users[0]: ${HOOK}: Discord knows no such user`]);
    assert.deepEqual(asked, [`user ${HOOK}`]);
    const outside = setUpHooks([], { allowBots: true, approvers: [HOOK] });
    await outside.check();
    assert.deepEqual(outside.whys(), [
      `execApprovals.approvers[0]: ${HOOK}: Discord knows no such user`,
    ]);
    assert.deepEqual(outside.asked, [`user ${HOOK}`]);
  });

  it("accepts the id as long as Discord does not answer one of the two questions", async () => {
    const ids = Array.from({ length: 30 }, (_, n) => `14000000000000001${10 + n}`);
    const { check, whys, asked, down } = setUpHooks([ADA, ...ids], { allowBots: true });
    down(true);
    await check();
    assert.deepEqual([asked.length, whys().length], [31, 0]);
    down(false);
    await check();
    assert.equal(asked.length, 81);
    assert.match(whys().at(-1) ?? "", /; and 14 more$/, "no webhook is asked for the 25th");
  });
});
