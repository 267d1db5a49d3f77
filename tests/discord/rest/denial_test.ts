import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Overwrite, type Permission, PERMISSIONS } from "../../../src/core/rights/rights.ts";
import {
  createCanReadHistory,
  explainCode,
  findDenial,
  neededToPost,
  type PostingPlace,
  readMissingToRead,
} from "../../../src/discord/rest/requests/guild_reads.ts";
import type { RestApi } from "../../../src/discord/rest/client/client.ts";
import type { GuildPermissions } from "../../../src/discord/rest/requests/guild_reads.ts";
import { channelId, guildId, roleId, userId } from "../../support/discord/builders.ts";
import { withDiscord } from "./simulated.ts";

const NOW = Date.UTC(2026, 10, 20, 15);
const GUILD = guildId("100");
const EVERYONE = roleId("100");
const KRILL = roleId("200");
const MUTED = roleId("300");
const BOT = userId("900");
const OWNER = userId("901");
const ALL = Object.values(PERMISSIONS).reduce((sum, flag) => sum | flag, 0n) &
  ~(PERMISSIONS["Manage Threads"] | PERMISSIONS["Administrator"]);
const ADMINISTRATOR = 1n << 3n;

interface Fields {
  readonly everyone?: bigint;
  readonly own?: bigint;
  readonly memberRoles?: readonly ReturnType<typeof roleId>[];
  readonly timedOutUntil?: number;
  readonly ownerId?: ReturnType<typeof userId>;
}

/** A guild in which all members have all permissions, except for a test's changes. */
function guild(fields: Fields = {}): GuildPermissions {
  const { everyone = ALL, own = 0n, memberRoles = [KRILL], timedOutUntil, ownerId = OWNER } =
    fields;
  return {
    member: {
      userId: BOT,
      roles: memberRoles,
      ...(timedOutUntil !== undefined && { timedOutUntil }),
    },
    guild: {
      guildId: GUILD,
      ownerId,
      roles: [
        { id: EVERYONE, name: "@everyone", permissions: everyone },
        { id: KRILL, name: "Krill", permissions: own },
        { id: MUTED, name: "Mu\u202eted\n", permissions: 0n },
      ].map((role, position) => ({ ...role, position, isManaged: false })),
    },
    channels: new Map(),
  };
}

const allow = (id: Overwrite["id"], bits: bigint): Overwrite => ({ id, allow: bits, deny: 0n });
const deny = (id: Overwrite["id"], bits: bigint): Overwrite => ({ id, allow: 0n, deny: bits });
const ops = (...overwrites: readonly Overwrite[]): PostingPlace => ({
  kind: "channel",
  channel: { name: "ops", type: 0, overwrites },
});
const thread = (
  fields: Partial<Extract<PostingPlace, { readonly kind: "thread" }>> = {},
): PostingPlace => ({
  kind: "thread",
  name: "a leak",
  parent: { name: "ops", type: 0, overwrites: [] },
  isLocked: false,
  ...fields,
});

const voice = { name: "ops", type: 2 };

const SEND = PERMISSIONS["Send Messages"];
const VIEW = PERMISSIONS["View Channel"];
const HISTORY = PERMISSIONS["Read Message History"];
const ATTACH = PERMISSIONS["Attach Files"];
const IN_THREADS = PERMISSIONS["Send Messages in Threads"];
const POST: readonly Permission[] = neededToPost({ hasFiles: false, isQuote: false });
const WITH_FILES = neededToPost({ hasFiles: true, isQuote: true });
const READ: readonly Permission[] = ["View Channel", "Read Message History"];

const cases: readonly [
  what: string,
  GuildPermissions,
  PostingPlace,
  needed: readonly Permission[],
  text: string | undefined,
  deniedBy?: string,
][] = [
  ["all may", guild(), ops(), WITH_FILES, undefined],
  [
    "the channel denies its role",
    guild(),
    ops(deny(KRILL, SEND)),
    POST,
    "cannot post in #ops: Send Messages is denied for the role Krill",
    "the role Krill",
  ],
  [
    "the channel denies everyone",
    guild(),
    ops(deny(EVERYONE, SEND)),
    POST,
    "cannot post in #ops: Send Messages is denied for @everyone",
    "@everyone",
  ],
  [
    "a voice channel denies Connect, which its chat needs too",
    guild(),
    { kind: "channel", channel: { ...voice, overwrites: [deny(KRILL, PERMISSIONS["Connect"])] } },
    POST,
    "cannot post in #ops: Connect is denied for the role Krill",
    "the role Krill",
  ],
  ["a text channel no Connect", guild(), ops(deny(KRILL, PERMISSIONS["Connect"])), POST, undefined],
  [
    "the channel denies the bot itself, although its role is allowed",
    guild(),
    ops(allow(KRILL, SEND), deny(BOT, SEND)),
    POST,
    "cannot post in #ops: Send Messages is denied for the bot itself",
    "the bot itself",
  ],
  ["a channel allows the bot", guild(), ops(deny(KRILL, SEND), allow(BOT, SEND)), POST, undefined],
  [
    "two of its roles are denied, and one name has control characters",
    guild({ memberRoles: [KRILL, MUTED] }),
    ops(deny(KRILL, SEND), deny(MUTED, SEND)),
    POST,
    "cannot post in #ops: Send Messages is denied for the roles Krill and Muted",
    "the roles Krill and Muted",
  ],
  ["a role that it does not have is denied", guild(), ops(deny(MUTED, SEND)), POST, undefined],
  [
    "no role grants it, with an overwrite",
    guild({ everyone: VIEW }),
    ops(),
    POST,
    "cannot post in #ops: Send Messages is missing; no role of the bot's grants it",
    "no role grants it",
  ],
  ["its own role grants it", guild({ everyone: VIEW, own: SEND }), ops(), POST, undefined],
  [
    "it does not see the channel, so it lacks all other permissions",
    guild(),
    ops(deny(EVERYONE, VIEW | SEND)),
    WITH_FILES,
    "cannot post in #ops: View Channel is denied for @everyone",
    "@everyone",
  ],
  [
    "it may post, but not attach files",
    guild(),
    ops(deny(KRILL, ATTACH)),
    WITH_FILES,
    "cannot attach files in #ops: Attach Files is denied for the role Krill",
    "the role Krill",
  ],
  ["it may not attach files, and has none", guild(), ops(deny(KRILL, ATTACH)), POST, undefined],
  [
    "it may not read the history that it quotes",
    guild(),
    ops(deny(EVERYONE, HISTORY)),
    WITH_FILES,
    "cannot post in #ops: Read Message History is denied for @everyone",
    "@everyone",
  ],
  ["an administrator", guild({ own: ADMINISTRATOR }), ops(deny(BOT, ALL)), WITH_FILES, undefined],
  ["its guild", guild({ everyone: 0n, ownerId: BOT }), ops(deny(BOT, ALL)), POST, undefined],
  [
    "it is timed out",
    guild({ timedOutUntil: NOW + 1 }),
    ops(),
    POST,
    "cannot post in #ops: the bot is timed out until 2026-11-20T15:00:00.001Z",
    "a timeout",
  ],
  ["its timeout is over", guild({ timedOutUntil: NOW }), ops(), POST, undefined],
  ["it is timed out, but only reads", guild({ timedOutUntil: NOW + 1 }), ops(), READ, undefined],
  ["a thread is open", guild(), thread(), WITH_FILES, undefined],
  [
    "the parent denies Send Messages in Threads",
    guild(),
    thread({ parent: { name: "ops", type: 0, overwrites: [deny(KRILL, IN_THREADS)] } }),
    POST,
    "cannot post in #a leak: Send Messages in Threads is denied for the role Krill",
    "the role Krill",
  ],
  [
    "the thread is locked",
    guild(),
    thread({ isLocked: true }),
    POST,
    "cannot post in #a leak: the thread is locked; unlock it",
    "the thread is locked",
  ],
  ["the thread is locked, but it only reads", guild(), thread({ isLocked: true }), READ, undefined],
  [
    "the thread is locked, but it manages threads",
    guild({ own: PERMISSIONS["Manage Threads"] }),
    thread({ isLocked: true }),
    POST,
    undefined,
  ],
  [
    "the thread is private, and it is not in it",
    guild(),
    thread({ isOutside: true }),
    READ,
    "cannot post in #a leak: the thread is private, and the user is not in it",
    "the thread is private",
  ],
  [
    "the thread is private, and it manages threads",
    guild({ own: PERMISSIONS["Manage Threads"] }),
    thread({ isOutside: true }),
    READ,
    undefined,
  ],
  [
    "the channel is gone",
    guild(),
    { kind: "gone" },
    POST,
    "cannot post in that channel: it was deleted",
    "the channel is gone",
  ],
  [
    "a thread is hidden",
    guild(),
    { kind: "hidden" },
    READ,
    "cannot post there: the bot may not see the channel, or it is a private thread without the bot",
    "a channel or a private thread",
  ],
  [
    "it is not in the guild",
    (({ guild, channels }) => ({ guild, channels }))(guild()),
    ops(),
    POST,
    "cannot post in that channel: the bot is not in that server; invite it again",
    "the bot is not in that server",
  ],
];

describe("[R11] findDenial()", () => {
  for (const [what, guild, place, needed, text, deniedBy] of cases) {
    it(`${text ?? "finds nothing"} (${what}: ${needed.length})`, () => {
      const denial = findDenial(guild, place, needed, NOW);
      assert.equal(denial?.text, text);
      assert.equal(denial?.deniedBy, deniedBy);
    });
  }

  it("removes line breaks from names, and limits their length", () => {
    const channel = {
      name: `o\np\u2028s\u0000${"x".repeat(500)}`,
      type: 0,
      overwrites: [deny(KRILL, SEND)],
    };
    const denial = findDenial(guild(), { kind: "channel", channel }, POST, NOW);
    assert.match(denial?.channelName ?? "", /^opsx{97}$/);
    assert.doesNotMatch(denial?.text ?? "\n", /[\p{Cc}\u2028]/u);
  });
});

it("[R11] explainCode() › explains code 50007, and returns undefined for an unknown code", () => {
  assert.match(explainCode(50007) ?? "", /accepts no messages from the bot/);
  assert.match(explainCode(50278) ?? "", /shares no server/);
  assert.match(explainCode(160009) ?? "", /Read Message History/);
  assert.match(explainCode(160010) ?? "", /age-restricted/);
  assert.match(explainCode(50083) ?? "", /archived or locked/);
  assert.equal(explainCode(0), undefined);
});

const [OPEN, SILENT, HIDDEN, ABSENT] = ["1", "2", "3", "4"].map(channelId);

const BODIES: Readonly<Record<string, unknown>> = {
  "/guilds/100": {
    owner_id: "901",
    name: "Krill",
    roles: [{ id: "100", permissions: String((1 << 10) | (1 << 16)), name: "@everyone" }],
  },
  "/guilds/100/members/900": { roles: [], nick: null },
  "/guilds/100/channels": [
    { id: "1", type: 0 },
    {
      id: "2",
      type: 0,
      permission_overwrites: [{ id: "900", type: 1, allow: "0", deny: `${1 << 16}` }],
    },
    {
      id: "3",
      type: 0,
      permission_overwrites: [{ id: "100", type: 0, allow: "0", deny: `${(1 << 10) | (1 << 16)}` }],
    },
  ],
};

function setUp(bodies: Readonly<Record<string, unknown>> = BODIES) {
  const asked: [string, unknown][] = [];
  const api: RestApi = {
    request(_method, path, options) {
      asked.push([path, options]);
      const body = bodies[path];
      return body instanceof Error ? Promise.reject(body) : Promise.resolve(body);
    },
  };
  const missingToRead = () => readMissingToRead(api, GUILD, BOT, { priority: "background" });
  return { missingToRead, asked };
}

it("[G6] readMissingToRead() › checks every channel of a guild with three background requests", async () => {
  const { missingToRead, asked } = setUp();
  const missing = await missingToRead();
  assert.deepEqual([OPEN, SILENT, HIDDEN, ABSENT].map((id) => missing(id!)), [
    [],
    ["Read Message History"],
    ["View Channel"],
    ["View Channel"],
  ]);
  assert.deepEqual(asked.map(([path]) => path), [
    "/guilds/100",
    "/guilds/100/members/900",
    "/guilds/100/channels",
  ]);
  assert.ok(asked.every(([, options]) => JSON.stringify(options) === '{"priority":"background"}'));
});

it("[D2] createCanReadHistory() › tells whether an empty history means an empty channel", () =>
  withDiscord(async (discord) => {
    const { api, sim, demo } = discord;
    const place = {
      channelId: demo.channels.help.id,
      guildId: demo.krill.id,
      userId: demo.barnacle.userId,
    };
    const canRead = createCanReadHistory(api);
    const inThread = { ...place, channelId: demo.channels.thread.id };
    assert.deepEqual([await canRead(place), await canRead(inThread)], [true, true]);
    sim.setThread({ in: inThread.channelId, isLocked: true });
    sim.timeOut({ who: "Barnacle", until: Date.now() + 60_000 });
    assert.deepEqual([await canRead(place), await canRead(inThread)], [true, true]);
    sim.permit({ to: "Barnacle", what: "readMessageHistory", as: "denied", in: "#help" });
    assert.deepEqual([await canRead(place), await canRead(inThread)], [false, false]);
    const { guildId: _, ...direct } = place;
    assert.equal(await canRead(direct), true);
    assert.equal(await canRead({ ...place, channelId: channelId("1") }), false);
  }));
