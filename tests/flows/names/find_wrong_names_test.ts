import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { findWrongNames } from "../../../src/flows/names/find_wrong_names.ts";
import type { SearchedGuild } from "../../../src/flows/names/searched_guild.ts";
import type { GuildSight } from "../../../src/flows/names/seen_shards.ts";
import type { AccessPolicy, GuildRules } from "../../../src/policy/rules/rules.ts";
import { policy } from "../../policy/policies.ts";
import { channelId, guildId } from "../../support/discord/builders.ts";
import { KRILL, MODS, setUp, THREAD, WHALES } from "./wrong_ids.ts";

const SEEN: GuildSight = { mayMiss: () => false };

function rules(channels: readonly string[] = [], roles: readonly string[] = []): GuildRules {
  return {
    reactionNotifications: "off",
    ...(channels.length > 0 &&
      { channels: Object.fromEntries(channels.map((name) => [name, {}])) }),
    users: roles.map((name) => ({ kind: "role_name", name })),
  };
}

/** The wrong names, each as `"<path>: <why>"`. */
function wrong(
  guilds: AccessPolicy["guilds"],
  known: readonly SearchedGuild[] = [KRILL, WHALES],
  sight: GuildSight = SEEN,
): readonly string[] {
  return findWrongNames(policy({ guilds }), known, sight)
    .map(({ rule, why }) => `${rule.replace(/^channels\.discord\./, "")}: ${why}`);
}

const KRILL_TEXT = `the server \`Krill & Co\` (${KRILL.id})`;

describe("[P7] findWrongNames()", () => {
  it("finds the name of no guild, with the most similar guilds that have no entry", () => {
    const whales = `\`Whales\` (${WHALES.id})`;
    const none = "the bot is in no server with this name; nearest: ";
    assert.deepEqual(wrong({ "krill-and-so": rules() }), [
      `guilds.krill-and-so: ${none}\`Krill & Co\` (${KRILL.id}), ${whales}`,
    ]);
    assert.deepEqual(wrong({ wales: rules(), [KRILL.id]: rules(), "*": rules() }), [
      `guilds.wales: ${none}${whales}`,
    ]);
  });

  it("accepts each spelling of a guild's and a channel's name", () => {
    for (const key of ["krill-co", "Krill & Co", "krill-&-co"]) {
      for (const channel of ["general", "#general"]) {
        assert.deepEqual(wrong({ [key]: rules([channel]) }), [], `${key} ${channel}`);
      }
    }
  });

  it("finds a name that several guilds have, with their ids", () => {
    const other = { ...WHALES, name: "Krill Co" };
    assert.deepEqual(wrong({ "krill-co": rules() }, [KRILL, other]), [
      "guilds.krill-co: several servers have this name, so it means none of them; use an ID: " +
      `\`Krill & Co\` (${KRILL.id}), \`Krill Co\` (${other.id})`,
    ]);
  });

  it("finds the name of no role, in a guild by id or name and in all guilds", () => {
    const near = `nearest: \`Mods\` (${MODS.id})`;
    for (const key of [KRILL.id, "krill-co"]) {
      assert.deepEqual(wrong({ [key]: rules([], ["mods", "Mods"]) }), [
        `guilds.${key}.users[0]: \`mods\`: no role of ${KRILL_TEXT} has this name; ${near}`,
      ]);
    }
    assert.deepEqual(wrong({ "*": rules([], ["Mod", "Mods"]) }), [
      `guilds.*.users[0]: \`Mod\`: no role has this name; ${near}`,
    ]);
    assert.match(wrong({ [KRILL.id]: rules([], ["users"]) })[0] ?? "", /users\[0\]: `users`: no/);
  });

  it("judges no role outside guilds, where no one has one", () => {
    const owners = [{ kind: "role_name", name: "lost" }] as const;
    const found = findWrongNames(
      policy({
        guilds: { "*": rules([], ["Mods"]) },
        commands: { ...policy({}).commands, owners },
      }),
      [KRILL],
      SEEN,
    );
    assert.deepEqual(found, []);
  });

  it("compares a number that is too short for an id by its digits", () => {
    const [line = ""] = wrong({ "140000000000000001": rules(), "1400000000000011": rules() });
    assert.match(line, /guilds\.1400000000000011: .* nearest: `Whales`/);
  });

  it("judges nothing within a guild that the bot is not in, and no name of a person or channel", () => {
    const within = rules(["lost"], ["Lost"]);
    assert.deepEqual(wrong({ [KRILL.id]: rules(["hidden-from-the-bot"]) }), []);
    const people = [{ kind: "name", name: "nessie" }] as const;
    assert.deepEqual(wrong({ "1400000000000000012": within }), []);
    assert.deepEqual(wrong({ [KRILL.id]: { ...rules(), users: people } }), []);
  });

  it("[P12] accepts a name that was resolved to an id, also after a rename", () => {
    const guilds: AccessPolicy["guilds"] = {
      whalers: {
        ...rules(),
        pinned: WHALES.id,
        channels: { deck: { pinned: new Map([[WHALES.id, [channelId("1400000000000000070")]]]) } },
      },
    };
    assert.deepEqual(wrong(guilds), []);
    assert.deepEqual(wrong(guilds, [KRILL]), [
      `guilds.whalers: the bot is no longer in the server of this name (${WHALES.id})`,
    ]);
    assert.deepEqual(wrong(guilds, [KRILL], { mayMiss: () => true }), []);
  });

  it("accepts a name that a guild may have that is not seen, or has an outage", () => {
    const role = rules([], ["lost"]);
    const guilds = { lost: rules(), [KRILL.id]: role, "*": role };
    assert.equal(wrong(guilds).length, 3);
    const isOther: GuildSight = { mayMiss: (id) => id !== KRILL.id };
    assert.deepEqual(wrong(guilds, [KRILL], isOther).map((line) => line.slice(0, 26)), [
      `guilds.${KRILL.id}`,
    ]);
    assert.deepEqual(wrong(guilds, [KRILL], { ...isOther, mayMiss: () => true }), []);
    const id = guildId("1400000000000000014");
    const unread: SearchedGuild = { id, name: id, channels: [], roles: [], isUnread: true };
    assert.deepEqual(wrong(guilds, [KRILL, unread]).map((line) => line.slice(0, 26)), [
      `guilds.${KRILL.id}`,
    ]);
    assert.deepEqual(
      wrong({ whales: role }, [KRILL, { ...WHALES, isUnread: true }]),
      [],
    );
  });
});

describe("[P7] createUnknownIds() with a wrong name", () => {
  it("tells the owners once, and names it in health behind the wrong ids", async () => {
    const { check, told, whys } = setUp({
      "krill-and-so": { reactionNotifications: "off" },
      "1400000000000000012": { reactionNotifications: "off" },
    });
    await check();
    await check();
    const isShown = (line: string) => line.includes("krill-and-so: the bot is in no server");
    assert.deepEqual(whys().map(isShown), [false, true]);
    assert.equal(told.length, 1);
    assert.match(
      told[0] ?? "",
      /\n- `channels\.discord\.guilds\.krill-and-so`: the bot is in no server/,
    );
  });

  it("asks where a guild's key is a channel only while the channels of a guild are unread", async () => {
    const { report, policy, whys, asked } = setUp({
      [THREAD]: { reactionNotifications: "off" },
    });
    await report.check(policy, [KRILL, WHALES]);
    assert.deepEqual(asked, [`user ${THREAD}`]);
    await report.check(policy, [KRILL, { ...WHALES, isUnread: true }]);
    assert.match(whys()[0] ?? "", /: that is a channel of the server `Krill & Co`/);
  });
});
