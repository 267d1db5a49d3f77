import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { findWrongNames } from "../../../src/flows/names/find_wrong_names.ts";
import type { SearchedGuild } from "../../../src/flows/names/searched_guild.ts";
import type { GuildSight } from "../../../src/flows/names/seen_shards.ts";
import type { AccessPolicy, GuildRules } from "../../../src/policy/rules/rules.ts";
import { policy } from "../../policy/policies.ts";
import { channelId, guildId } from "../../support/discord/builders.ts";
import { GENERAL, KRILL, MODS, OPS, setUp, WHALES } from "./wrong_ids.ts";

const SEEN: GuildSight = { mayMiss: () => false, isFirst: true };

/** Rules of a guild with channels and roles by name. */
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
const GENERAL_TEXT = `\`general\` (${GENERAL.id})`;
const OPS_TEXT = `\`ops\` (${OPS.id})`;

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

  it("finds the names of no channel and of no role, in a guild by id or name and in all guilds", () => {
    for (const key of [KRILL.id, "krill-co"]) {
      assert.deepEqual(wrong({ [key]: rules(["genral", "ops"], ["mods", "Mods"]) }), [
        `guilds.${key}.users[0]: \`mods\`: no role of ${KRILL_TEXT} has this name; nearest: ` +
        `\`Mods\` (${MODS.id})`,
        `guilds.${key}.channels.genral: no channel of ${KRILL_TEXT} has this name; nearest: ` +
        `${GENERAL_TEXT}, ${OPS_TEXT}`,
      ]);
    }
    assert.deepEqual(wrong({ "*": rules(["opps", "general"], ["Mods"]) }), [
      `guilds.*.channels.opps: no channel has this name; nearest: ${OPS_TEXT}, ${GENERAL_TEXT}`,
    ]);
  });

  it("judges nothing within a guild that the bot is not in, and no name of a person", () => {
    const within = rules(["lost"], ["Lost"]);
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
  });

  it("[O16] accepts a name that a guild may have that is not seen, or has an outage", () => {
    const guilds = { lost: rules(), [KRILL.id]: rules(["lost"]), "*": rules(["lost"]) };
    assert.equal(wrong(guilds).length, 3);
    const isOther: GuildSight = { mayMiss: (id) => id !== KRILL.id, isFirst: true };
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
      wrong({ whales: rules(["lost"]) }, [KRILL, { ...WHALES, isUnread: true }]),
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

  it("says of a guild's key that is the id of a thread where the thread is", async () => {
    const { check, whys } = setUp({ "1400000000000000050": { reactionNotifications: "off" } });
    await check();
    assert.match(whys()[0] ?? "", /: that is a channel of the server `Krill & Co`/);
  });
});
