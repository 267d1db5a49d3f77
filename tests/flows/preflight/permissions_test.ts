import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  auditGuilds,
  judgeAudience,
  judgeDirect,
  judgePermissions,
  listedIn,
  type MissingPermission,
  type SeenChannel,
  type SeenGuild,
} from "../../../src/flows/preflight/permissions.ts";
import type { AccessPolicy } from "../../../src/policy/rules.ts";
import { loadTestConfig } from "../../support/config.ts";
import { channelId, guildId } from "../../support/discord/builders.ts";

const SEND: MissingPermission = { permission: "Send Messages", deniedBy: "the role Krill" };
const VIEW: MissingPermission = { permission: "View Channel", deniedBy: "@everyone" };
const FILES: MissingPermission = { permission: "Attach Files", deniedBy: "no role grants it" };

/** A guild with the channels help, ops and general. */
function krill(fields: Partial<SeenGuild> = {}): SeenGuild {
  return {
    id: guildId("100"),
    name: "Krill & Co",
    risky: [],
    details: {
      channels: [
        { id: channelId("1"), name: "help", missing: [] },
        { id: channelId("2"), name: "ops", missing: [SEND, FILES] },
        { id: channelId("3"), name: "general", missing: [FILES] },
      ],
    },
    ...fields,
  };
}

/** A guild with one channel for each list of lacks, called c1, c2 and so on. */
function guildWith(...lacks: readonly (readonly MissingPermission[])[]): SeenGuild {
  const channels = lacks.map((lacks, at): SeenChannel => {
    return { id: channelId(`${at + 1}`), name: `c${at + 1}`, missing: lacks };
  });
  return krill({ details: { channels } });
}

async function policyOf(guilds: object, more: object = {}): Promise<AccessPolicy> {
  return (await loadTestConfig({ guilds, ...more })).discord.access;
}

/** `"fail words"` of each row. */
async function rows(
  guilds: object,
  seen: readonly SeenGuild[] = [krill()],
  more: object = {},
): Promise<readonly string[]> {
  return judgePermissions(await policyOf(guilds, more), seen)
    .map(({ status, why }) => `${status} ${why}`);
}

describe("[O3] judgePermissions()", () => {
  it("says in how many channels it can post, names five channels and reasons, and counts the others", async () => {
    const lacks = (count: number) =>
      Array.from({ length: count }, (_, at) => [{ ...SEND, deniedBy: `${at}` }]);
    const seen: readonly (readonly [readonly MissingPermission[][], RegExp])[] = [
      [
        [[FILES]],
        /^warn .* 1 of 1 channels of .*; in #c1: Attach Files missing \(no role grants it\)$/,
      ],
      [[[], []], /^pass can post in 2 of 2 channels of Krill & Co$/],
      [[[], [VIEW]], /^pass .* 1 of 2 .*; not in #c2: View Channel missing \(@everyone\)$/],
      [[[VIEW], [VIEW]], /^fail can post in 0 of 2 channels/],
      [Array(5).fill([SEND]), /#c4, #c5: Send/],
      [Array(6).fill([SEND]), /#c4, #c5 and 1 more: Send/],
      [lacks(5), /#c5: Send Messages missing \(4\)$/],
      [lacks(6), /#c5: Send Messages missing \(4\); and 1 more reasons$/],
    ];
    for (const [lacking, expected] of seen) {
      assert.match((await rows({ 100: {} }, [guildWith(...lacking)])).join(), expected);
    }
    const open = (await loadTestConfig({ groupPolicy: "open", guilds: undefined })).discord.access;
    assert.equal(judgePermissions(open, [guildWith([])])[0]?.status, "pass", "none is listed");
  });

  it("names the guilds that the config does not list beside an entry of none", async () => {
    const [row = ""] = await rows({ elsewhere: {} });
    assert.match(row, /the bot is in no such guild; it is in Krill & Co \(100\), not listed$/);
  });

  it("says of a listed channel whether Discord hides it, or has none", async () => {
    const channels = [{ id: channelId("50"), name: "50", missing: [VIEW] }];
    const guild = krill({ details: { channels, gone: ["51"] } });
    const entries = {
      50: {},
      51: { allow: true },
      52: {},
      53: { allow: false },
      54: { enabled: false },
    };
    assert.deepEqual(
      await rows({ 100: { channels: entries } }, [guild]),
      [
        "warn channels.discord.guilds.100.channels.51: there is no such channel in Krill & Co",
        "warn channels.discord.guilds.100.channels.52: the bot sees no such channel in Krill & Co",
        "fail can post in 0 of 1 channels of Krill & Co; not in #50: View Channel missing (@everyone)",
      ],
    );
  });

  it("asks for listed ids and resolved names, but for no id that may be of another guild", async () => {
    const pins = new Map([[guildId("100"), [channelId("7")]]]);
    for (
      const [guilds, expected] of [
        [{ 100: { channels: { 50: {}, staff: {} } } }, ["50 50", "7 staff"]],
        [{ "*": { channels: { 50: {}, staff: {} } } }, ["7 staff"]],
        [{ 200: {} }, undefined],
      ] as const
    ) {
      const policy = await policyOf(guilds);
      for (const { channels } of Object.values(policy.guilds ?? {})) {
        if (channels?.["staff"]) Object.assign(channels["staff"], { pinned: pins });
      }
      const found = listedIn(policy, krill())?.map(({ id, name }) => `${id} ${name}`);
      assert.deepEqual(found, expected);
    }
  });

  it("skips denied channels, guilds without rules, and all if guilds are disabled", async () => {
    assert.deepEqual(await rows({ 100: { channels: { ops: { enabled: false } } } }), []);
    assert.deepEqual(await rows({}), []);
    const off = { groupPolicy: "disabled" };
    assert.deepEqual(await rows({ 100: {}, elsewhere: {} }, [krill()], off), []);
  });
});

/** A guild with so many channels, in which nothing is missing. */
const open = (count: number, id = "100"): SeenGuild => ({
  ...guildWith(...Array.from({ length: count }, () => [])),
  ...{ id: guildId(id), name: `G${id}` },
});
const wide = (count: number) => Array.from({ length: count }, (_, at) => open(1, `10${at}`));
const unread = (id: string, fields: Partial<SeenGuild> = {}): SeenGuild =>
  krill({ ...fields, id: guildId(id), name: `G${id}`, details: undefined });
/** One guild, with its rules and entries for so many channels, each with other people. */
const listing = (rules: object, count: number) => {
  const entries = Array.from(
    { length: count },
    (_, at) => [`c${at + 1}`, { users: [`${at + 1}`] }],
  );
  return { 100: { ...rules, ...(count > 0 && { channels: Object.fromEntries(entries) }) } };
};

describe("[O3] judgeAudience() and judgeDirect()", () => {
  const free = { requireMention: false };
  const audiences: readonly (readonly [object | undefined, readonly SeenGuild[], RegExp])[] = [
    [{ 200: {} }, [], /^$/],
    [{ 200: {} }, wide(5), /^warn .* \("G100", .*"G104"\): .*guilds lists none of them$/],
    [{ 200: {} }, wide(6), /"G104" and 1 more\):/],
    [undefined, [open(1)], /^warn .*groupPolicy is "allowlist", and no server is listed$/],
    [listing({}, 0), [open(2), open(1, "200")], /^pass G100: .*, in all 2 channels$/],
    [listing({}, 0), [open(1)], /: answers everyone, when mentioned \(\S+\), in #c1$/],
    [listing({}, 0), [unread("100")], /^$/],
    [{ "*": {} }, wide(5), /G104: [^;]*$/],
    [{ "*": {} }, wide(6), /G104: [^;]*; and 1 more$/],
    [
      listing(free, 1),
      [open(7)],
      /no one \(channel-not-listed: \S+\), in 6 .*, each message, in #c1$/,
    ],
    [listing({ ...free, intentFilter: { enabled: true } }, 0), [open(1)], /, if the intent filter/],
    [listing({}, 5), [open(5)], /: answers only the people of [^;]*#c1; .*, in #c5$/],
    [listing({}, 6), [open(6)], /in #c5; and 1 other rules$/],
  ];
  it("tell where in servers the bot answers whom", async () => {
    for (const [guilds, seen, expected] of audiences) {
      const found = judgeAudience((await loadTestConfig({ guilds })).discord.access, seen);
      assert.match(found.map(({ status, why }) => `${status} ${why}`).join(), expected);
    }
    const off = await policyOf({}, { groupPolicy: "disabled" });
    assert.match(judgeAudience(off, [open(1)])[0]?.why ?? "", /groupPolicy is "disabled"$/);
  });

  const direct: readonly (readonly [dm: object, expected: RegExp, waiting?: number])[] = [
    [{ enabled: false }, /^pass .* ignores them: .*dm\.enabled is false →/],
    [{ policy: "disabled" }, /^pass .* ignores them: .*dm\.policy is "disabled" →/],
    [{ policy: "open", allowFrom: ["*"] }, /^pass the bot answers everyone →/],
    [{ policy: "allowlist", allowFrom: [] }, /^warn the bot answers no one/],
    [{ policy: "allowlist", allowFrom: ["5"] }, /^pass .* only the people of .*\(1\) →/],
    [{ policy: "pairing" }, /^pass .*From \(0\) and those that are paired \(2\) → undefined$/],
    [{ policy: "pairing" }, /paired \(2\); 1 wait for an approval → see `barnacle pair/, 1],
  ];
  it("tell whose direct messages the bot answers", async () => {
    for (const [dm, expected, waiting = 0] of direct) {
      const found = judgeDirect(await policyOf({}, { dm }), { paired: 2, waiting });
      assert.match(`${found.status} ${found.why} → ${found.fix}`, expected);
    }
  });
});

it("[O3] auditGuilds() › judges each channel, and names what could not be judged", async () => {
  const entries = { c1: {}, c2: {}, c3: {}, c4: {}, c5: { enabled: false }, 51: {} };
  const policy = await policyOf({ 100: { channels: entries }, 101: {}, 102: {} });
  const { details } = guildWith([], [SEND, FILES], [FILES], [], [SEND]);
  const channels =
    details?.channels.map((one) => one.name === "c4" ? { ...one, furtherMissing: [SEND] } : one) ??
      [];
  const { guilds, notAudited } = auditGuilds(policy, [
    krill({ details: { channels, gone: ["51"] } }),
    ...[open(1, "200"), unread("101", { unread: "429" }), unread("102", { isPassedOver: true })],
  ]);
  const audited = guilds.flatMap(({ channels }) =>
    channels.map(({ name, status, missing }) => `${name} ${status} ${missing.length}`)
  );
  assert.deepEqual(audited, ["c1 pass 0", "c2 fail 2", "c3 warn 1", "c4 warn 1", "c5 skipped 1"]);
  assert.match(
    notAudited.map(({ why }) => why).join(),
    /^\S+\.51: there is no such [^,]*,[^,]*G101 are unknown: 429,[^,]*,[^,]* 1 of them,G200: .* there$/,
  );
});
