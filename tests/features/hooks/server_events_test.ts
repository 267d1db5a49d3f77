import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { ChannelId, GuildId } from "../../../src/core/discord/ids.ts";
import type { Place } from "../../../src/core/inbound/inbound.ts";
import type { HookEvent, NumberedEvent } from "../../../src/core/hooks/hook.ts";
import type {
  GuildIndex,
  IndexedChannel,
} from "../../../src/discord/gateway/decode/guild_index.ts";
import { decodeServerEvent } from "../../../src/discord/gateway/decode/decode.ts";
import { RestError } from "../../../src/discord/rest/exchange/exchange.ts";
import { wordsOfEvents } from "../../../src/features/hooks/runner.ts";
import { bareAccount } from "../../support/account.ts";
import { prepareMayAct } from "../../../src/policy/admission.ts";
import { eventsOf, storeMissedEvents } from "../../../src/flows/server_events.ts";
import { problemLines } from "../../config/support.ts";
import { loadTestConfig } from "../../support/config.ts";
import { ACCOUNT } from "../../support/discord/builders.ts";
import { recordingLog } from "../../support/recording_log.ts";
import { openTestStore } from "../../support/store/store.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const NOW = Date.parse("2026-11-29T12:00:00Z");
const GUILD = "1600000000000000001" as GuildId;
const OTHER = "1600000000000000002" as GuildId;
const NEWS = "11" as ChannelId;
const FORUM = "12" as ChannelId;
const SECRET = "13" as ChannelId;
const FOREIGN = "14" as ChannelId;
const ADULT = "15" as ChannelId;
const SELF = "900";
const ADA = { id: "77", username: "ada" };
const BOT = { id: "88", username: "helper", bot: true };
/** An id of just now. */
const ID = String((BigInt(NOW) - 1_420_070_400_000n) << 22n);

const guildOf = (id: GuildId, name: string, ...channels: IndexedChannel[]) =>
  [id, {
    id,
    name,
    channels: new Map(channels.map((one) => [one.id, one])),
    roles: new Map(),
  }] as const;
const INDEX = new Map([
  guildOf(
    GUILD,
    "reef",
    { id: NEWS, name: "news", type: 0 },
    { id: FORUM, name: "help", type: 15 },
    { id: SECRET, name: "secret", type: 0 },
    { id: ADULT, name: "late", type: 0, isAgeRestricted: true },
  ),
  guildOf(OTHER, "sea", { id: FOREIGN, name: "hall", type: 0 }),
]) as GuildIndex;

const at = (ms: number) => new Date(NOW + ms).toISOString();

/** A dispatch of each event, as Discord sends it. */
const PAYLOADS = {
  member_join: ["GUILD_MEMBER_ADD", { user: ADA, roles: [], joined_at: at(0) }],
  boost: ["GUILD_MEMBER_UPDATE", { user: ADA, roles: ["5"], premium_since: at(0) }],
  role_given: ["GUILD_AUDIT_LOG_ENTRY_CREATE", {
    id: ID,
    action_type: 25,
    user_id: "66",
    target_id: ADA.id,
    changes: [
      { key: "$remove", new_value: [{ id: "6", name: "old" }] },
      { key: "$add", new_value: [{ id: "5", name: "crew" }] },
    ],
  }],
  forum_post: ["THREAD_CREATE", {
    id: ID,
    type: 11,
    parent_id: FORUM,
    owner_id: ADA.id,
    name: "my disk is full",
    newly_created: true,
  }],
  thread_closed: ["THREAD_UPDATE", {
    id: ID,
    type: 11,
    parent_id: NEWS,
    owner_id: ADA.id,
    name: "done",
    thread_metadata: { archived: true, archive_timestamp: at(0) },
  }],
  event_started: ["GUILD_SCHEDULED_EVENT_UPDATE", {
    id: "31",
    channel_id: null,
    name: "low tide",
    description: "bring boots",
    status: 2,
    scheduled_start_time: at(0),
  }],
  pin: ["MESSAGE_CREATE", {
    id: ID,
    type: 6,
    channel_id: NEWS,
    author: ADA,
    member: { roles: ["5"] },
    message_reference: { message_id: "41" },
  }],
  reaction: ["MESSAGE_REACTION_ADD", {
    user_id: ADA.id,
    channel_id: NEWS,
    message_id: "41",
    member: { user: ADA, roles: ["5"] },
    emoji: { id: null, name: "📌" },
  }],
} as const;

type Name = keyof typeof PAYLOADS;
const WITH_WORDS = { forum_post: 1, thread_closed: 1, pin: 1, reaction: 1 };
const NAMES = Object.keys(PAYLOADS) as Name[];

interface World {
  /** Keys of the entry. */
  readonly entry?: object;
  readonly request?: (path: string) => unknown;
  readonly maxAgeMin?: number;
  /** More servers of the config. */
  readonly guilds?: object;
}

async function build(
  events: readonly Name[],
  { entry = {}, request, maxAgeMin = 60, guilds }: World = {},
) {
  const { store, rows } = openTestStore();
  const { log, lines } = recordingLog();
  const post = `channel:${NEWS}`;
  const where = [`guild:${GUILD}`];
  const defaults = (event: Name) => (event in WITH_WORDS ? { post, where } : { post });
  const on = events.map((event) => ({ event, tools: [], ...defaults(event), ...entry }));
  const config = await loadTestConfig({
    guilds: { [GUILD]: { channels: { [SECRET]: { allow: false }, "*": {} } }, ...guilds },
    gateway: { catchUp: { maxAgeMin } },
  }, { agents: { list: [{ id: "main", on }] } });
  const { mayAct } = { mayAct: prepareMayAct(config.discord.access) };
  const self = { userId: SELF };
  const account = bareAccount({
    accountId: ACCOUNT,
    config: () => config,
    now: () => NOW,
    random: () => 0.5,
    policy: () => ({ mayAct }) as never,
    self: () => self as never,
    store,
    log,
    rest: { request: (_method: string, path: string) => Promise.resolve(request?.(path)) } as never,
    reader: { index: INDEX } as never,
  });
  const facts = { accountId: ACCOUNT, self: self as never, index: INDEX };
  /** The events of a dispatch, as the gateway's reader hands them over. */
  const tell = (t: string, d: object): readonly NumberedEvent[] => {
    const told = decodeServerEvent({ t, s: 1, d: { guild_id: GUILD, ...d } }, facts);
    return told ? eventsOf(account, told) : [];
  };
  return { account, tell, store, rows, lines, config };
}

describe("[W7] events of servers", () => {
  for (const name of NAMES) {
    it(`make a request of ${name}, with names and topics as data`, async () => {
      const { tell } = await build([name]);
      const [t, d] = PAYLOADS[name];
      const found = tell(t, d);
      assert.equal(found.length, 1);
      assert.match(found[0]?.hook ?? "", new RegExp(`^on:${name}:0\\.0:\\d+$`));
      assert.match(found[0]?.text ?? "", new RegExp(`^event: ${name}\n`));
      for (const other of NAMES) {
        if (other !== name) assert.deepEqual(tell(PAYLOADS[other][0], PAYLOADS[other][1]), []);
      }
    });
  }

  const who = (...ids: string[]) => ({ entry: { who: ids } });
  const where = (...ids: string[]) => ({ entry: { where: ids } });
  const archived = (ms: number) => ({ archived: true, archive_timestamp: at(ms) });
  const starts = (ms: number) => ({ scheduled_start_time: at(ms) });
  const entry = (keys: object) => ({ entry: keys });
  const [inOther, roles] = [{ guild_id: OTHER }, [{ key: "$remove", new_value: [] }]];
  const CASES: readonly [string, Name, object, World, 0 | 1][] = [
    ["a bot joins", "member_join", { user: BOT }, {}, 0],
    ["a bot boosts", "boost", { user: BOT }, {}, 0],
    ["a bot pins", "pin", { author: BOT }, {}, 0],
    ["the bot itself pins", "pin", { author: { id: SELF, username: "krill" } }, {}, 0],
    ["the bot itself reacts", "reaction", { user_id: SELF }, {}, 0],
    ["another bot reacts", "reaction", { member: { user: BOT, roles: [] } }, {}, 0],
    ["the bot itself gives a role", "role_given", { user_id: SELF }, {}, 0],
    ["the bot's own thread closes", "thread_closed", { owner_id: SELF }, {}, 0],
    ["the bot's own post", "forum_post", { owner_id: SELF }, {}, 0],
    ["an old booster changes a name", "boost", { premium_since: at(-90 * 60_000) }, {}, 0],
    ["no boost at all", "boost", { premium_since: null }, {}, 0],
    ["a role is taken", "role_given", { changes: roles }, {}, 0],
    ["another audit log entry", "role_given", { action_type: 24 }, {}, 0],
    ["a thread of a text channel", "forum_post", { parent_id: NEWS }, {}, 0],
    ["the bot is added to an old post", "forum_post", { newly_created: undefined }, {}, 0],
    ["a thread is renamed", "thread_closed", { thread_metadata: { archived: false } }, {}, 0],
    ["an event is planned", "event_started", { status: 1 }, {}, 0],
    ["a thread that may be a private one", "reaction", { channel_id: "99" }, {}, 0],
    ["a message without a pin", "pin", { type: 0 }, {}, 0],
    ["an old thread is locked", "thread_closed", { thread_metadata: archived(-25 * HOUR) }, {}, 0],
    ["an event of a month is renamed", "event_started", starts(-31 * DAY), {}, 0],
    ["an event begins late", "event_started", starts(-2 * HOUR), {}, 1],
    ["a malformed join", "member_join", { user: 5, joined_at: {} }, {}, 0],
    ["no server", "reaction", { guild_id: undefined }, {}, 0],
    ["a closed channel", "pin", { channel_id: SECRET }, {}, 0],
    ["an age-restricted channel", "pin", { channel_id: ADULT }, {}, 0],
    ["a thread of one", "thread_closed", { parent_id: ADULT }, {}, 0],
    ["the answer's", "pin", { channel_id: ADULT }, entry({ post: `channel:${ADULT}` }), 1],
    ["a server that the config lacks", "member_join", inOther, where(`guild:${OTHER}`), 0],
    ["another server than that of `post`", "member_join", inOther, {}, 0],
    ["the server named", "member_join", {}, where(`guild:${GUILD}`), 1],
    ["the channel named", "pin", {}, where(`channel:${NEWS}`), 1],
    ["another channel", "pin", {}, where(`channel:${FORUM}`), 0],
    ["a post of the forum named", "forum_post", {}, where(`channel:${FORUM}`), 1],
    ["the given role", "role_given", {}, who("role:5"), 1],
    ["another given role", "role_given", {}, who("role:6"), 0],
    ["a member with the role", "reaction", {}, who("role:5"), 1],
    ["a member named", "pin", {}, who("user:1", "user:77"), 1],
    ["another member", "pin", {}, who("user:1"), 0],
    ["the emoji", "reaction", {}, entry({ emoji: ["📌"] }), 1],
    ["another emoji", "reaction", {}, entry({ emoji: ["👍"] }), 0],
    ["its own", "reaction", { emoji: { id: "9", name: "x" } }, entry({ emoji: ["<:x:9>"] }), 1],
  ];
  for (const [title, name, change, world, count] of CASES) {
    it(`${count === 0 ? "leave out" : "count"}: ${title}`, async () => {
      const { tell } = await build([name], world);
      const [t, d] = PAYLOADS[name];
      assert.equal(tell(t, { ...d, ...change }).length, count);
    });
  }

  it("tell apart one person's reactions to two messages", async () => {
    const { tell } = await build(["reaction"]);
    const [t, d] = PAYLOADS.reaction;
    const texts = ["41", "42"].map((message_id) => tell(t, { ...d, message_id })[0]?.text);
    assert.equal(new Set(texts).size, 2);
  });

  it("of a whole server are answered apart from those of another one", async () => {
    const { tell } = await build(["boost"], {
      ...where(`guild:${GUILD}`, `guild:${OTHER}`),
      guilds: { [OTHER]: {} },
    });
    const [t, d] = PAYLOADS.boost;
    const keys = [{}, inOther].map((change) => tell(t, { ...d, ...change })[0]?.key);
    assert.deepEqual(keys, [GUILD, OTHER]);
  });

  it("answer where it happened without `post`", async () => {
    const { tell } = await build(["forum_post", "pin"], { entry: { post: undefined } });
    assert.equal(tell(...PAYLOADS.forum_post)[0]?.key, ID);
    assert.equal(tell(...PAYLOADS.pin)[0]?.key, NEWS);
  });

  it("keep hostile names as they are for the model, and without markup for people", async () => {
    const { tell } = await build(["member_join"]);
    const username = "**@everyone** [x](http://evil.example) {{ user.id }}\n# ignore\u202e";
    const [t, d] = PAYLOADS.member_join;
    const [found] = tell(t, { ...d, user: { ...ADA, username: username.repeat(50) } });
    assert.ok(found && found.text.length < 3_000 && found.post.length <= 1_800);
    assert.doesNotMatch(found.post, /(?<!\\)\*\*|(?<!\\)\[|^#|\u202e/m);
    assert.ok(found.text.includes("{{ user.id }}"));
  });

  it("count once, however often and in any order Discord tells of them", () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.constantFrom(...NAMES), fc.integer({ min: 1, max: 4 })), {
          maxLength: 30,
        }),
        async (told) => {
          const { tell, store, rows } = await build(NAMES);
          const distinct = new Set<string>();
          for (const [name, number] of told) {
            const [t, d] = PAYLOADS[name];
            const id = String(BigInt(ID) + BigInt(number));
            const user = { id: String(70 + number), username: "x" };
            distinct.add(`${name} ${number}`);
            const found = tell(t, { ...d, id, user, user_id: user.id });
            if (found.length > 0) await store.hooks.add(found, NOW);
          }
          assert.equal(rows("SELECT 1 FROM hook_event").length, distinct.size);
        },
      ),
      { numRuns: 25 },
    ));

  it("of closed threads are looked for in the channels of `where` alone", async () => {
    const asked: string[] = [];
    const request = (path: string) => void asked.push(path);
    const entry = { where: [`guild:${GUILD}`, `channel:${FORUM}`] };
    const { account } = await build(["thread_closed", "pin"], { request, entry });
    await storeMissedEvents(account, GUILD, NOW - HOUR);
    assert.deepEqual(asked, [`/channels/${FORUM}/threads/archived/public?limit=100`]);
  });

  it("of a time away are found where Discord tells of them, and counted once", async () => {
    const asked: string[] = [];
    const members = Array.from({ length: 1_000 }, (_, index) => ({
      user: { id: String(1_000 + index), username: "m" },
      joined_at: at(index < 3 ? -60_000 : -DAY),
      premium_since: index < 4 ? at(-index * HOUR) : null,
    }));
    const request = (path: string) => {
      asked.push(path);
      if (path.includes("after=")) return [{ user: BOT, joined_at: at(0) }];
      if (path.includes("/members")) return members;
      if (path.includes("/threads")) return { threads: [PAYLOADS.forum_post[1]] };
      if (path.includes("/scheduled")) {
        const [, now] = PAYLOADS.event_started;
        return [now, { ...now, id: "32", scheduled_start_time: at(-31 * DAY) }];
      }
      throw new RestError("GET", { kind: "forbidden", status: 403, code: 50_013 } as never);
    };
    const { account, tell, store, rows } = await build(
      ["member_join", "boost", "forum_post", "event_started", "reaction"],
      { request, maxAgeMin: 150 },
    );
    await store.hooks.add(tell(...PAYLOADS.forum_post), NOW);
    await storeMissedEvents(account, GUILD, NOW - 150 * 60_000);
    await storeMissedEvents(account, GUILD, NOW - 150 * 60_000);
    const counts = rows(
      "SELECT substr(hook, 4, 5) AS event, COUNT(*) AS n FROM hook_event GROUP BY 1",
    );
    assert.deepEqual(counts, [
      { event: "boost", n: 3 },
      { event: "event", n: 1 },
      { event: "forum", n: 1 },
      { event: "membe", n: 3 },
    ]);
    assert.equal(asked.length, 12);
  });

  it("have one sentence for each fault of the config, with its key", async () => {
    const entry = { event: "member_join", post: "channel:5", tools: [] };
    const FAULTS: readonly [object, RegExp][] = [
      [{ ...entry, tools: undefined }, /list\[0\]\.on\[0\]\.tools: The entry names no rights/],
      [{ ...entry, post: undefined }, /on\[0\]\.post: The event member_join has no place/],
      [{ ...entry, post: "#general" }, /on\[0\]\.post: /],
      [{ ...entry, who: ["crew"] }, /who\[0\]: Expected "role:<id>" or "user:<id>"/],
      [{ ...entry, where: ["general"] }, /where\[0\]: Expected "guild:<id>" or "channel:<id>"/],
      [{ ...entry, event: "pin" }, /on\[0\]\.where: Without "where", "post" shows the words/],
      [{ ...entry, emoji: ["📌"] }, /emoji: The event member_join has no emoji/],
      [{ ...entry, tools: ["*", "exce"] }, /warning .*tools\[1\]: "exce" is no known tool/],
      [{ ...entry, where: [] }, /where: Expected at least one entry/],
      [{ ...entry, where: ["channel:5"] }, /where: The event member_join never has one of these/],
      [
        { ...entry, event: "forum_post", post: undefined, who: ["role:5"] },
        /who: The event forum_post never has one of these/,
      ],
      [
        { ...entry, event: "event_started", who: ["role:5", "user:5"] },
        /who: The event event_started never has one of these/,
      ],
      [
        { ...entry, event: "reaction", post: undefined, emoji: ["1️⃣", ":pin:"] },
        /emoji\[1\]: Expected "📌" or "<:name:id>"/,
      ],
      [{ ...entry, event: "ban" }, /on\[0\]\.event: /],
    ];
    for (const [on, fault] of FAULTS) {
      const text = JSON.stringify({ agents: { list: [{ id: "main", on: [on] }] } });
      const lines = (await problemLines(text)).filter((line) => line.includes(" agents.list"));
      assert.equal(lines.length, 1, lines.join("\n"));
      assert.match(lines[0] ?? "", fault);
    }
  });
});

const placeOf = (id: ChannelId) => {
  const guild = { id: id === FOREIGN ? OTHER : GUILD, name: "reef" };
  return { kind: "guild", guild, channel: { id, name: "news" } } as unknown as Place;
};

/** The words of events, at {@link NOW}, where the config permits all places. */
const wordsOf = (
  request: (path: string) => unknown,
  events: readonly HookEvent[],
  place: Place,
  { to = "", taken = [], mayAct = () => true }: {
    readonly to?: string;
    readonly taken?: readonly string[];
    readonly mayAct?: (place: Place) => boolean;
  } = {},
) =>
  wordsOfEvents(
    bareAccount({
      now: () => NOW,
      policy: () => ({ mayAct }),
      reader: { index: INDEX },
      rest: { request: (_: string, path: string) => new Promise((give) => give(request(path))) },
      store: { hooks: { isTaken: (id: string) => Promise.resolve(taken.includes(id)) } },
    } as never),
    events,
    place,
    { to: to || `channel:${NEWS}` },
  );
const gone = () => {
  throw new RestError("GET", { kind: "not_found", status: 404, code: 10_007 } as never);
};

describe("[T4] wordsOfEvents()", () => {
  const [VIEW, HISTORY] = [1n << 10n, 1n << 16n];
  const closed = (id: string, allow = 0n) => ({ id, allow: `${allow}`, deny: `${VIEW}` });
  const opened = (id: string) => ({ id, allow: `${VIEW}`, deny: "0" });
  const hidden = [closed(GUILD), opened("5")];
  const channels = [
    { id: NEWS, type: 0, permission_overwrites: [] },
    { id: FORUM, type: 15, permission_overwrites: hidden },
    { id: SECRET, type: 0, permission_overwrites: hidden },
    { id: ADULT, type: 0, permission_overwrites: [...hidden, opened("6")] },
  ];
  const roles = [GUILD, "5", "6"].map((id) => ({ id, name: id, permissions: `${VIEW | HISTORY}` }));
  async function tells(name: string, source: string, post: string, parent = source) {
    const request = (path: string) => {
      if (path === `/guilds/${GUILD}/channels`) return channels;
      if (path === `/guilds/${GUILD}`) return { owner_id: "1", roles };
      if (path.endsWith("/members/77")) return { user: ADA, roles: ["5"] };
      if (path.endsWith("/members/78")) return { user: { id: "78", username: "bob" }, roles: [] };
      if (/\/(?:guilds|members)\//.test(path)) return gone();
      return { author: { username: "ada" }, content: "low tide" };
    };
    const guild = source === FOREIGN ? OTHER : GUILD;
    const senderId = [source, ID, guild, parent, "key"].join("/");
    const event = { hook: `on:${name}:0.0:1`, senderId } as unknown as HookEvent;
    const isDirect = /^7.$/.test(post);
    const place: Place = isDirect ? { kind: "dm" } : placeOf(post as ChannelId);
    const words = await wordsOf(request, [event], place, isDirect ? { to: `user:${post}` } : {});
    return !("unneeded" in words);
  }

  const CASES: readonly [title: string, name: string, string, string, boolean, parent?: string][] =
    [
      ["an open channel in an open one", "pin", NEWS, NEWS, true],
      ["a hidden channel in an open one", "pin", SECRET, NEWS, false],
      ["a reaction there", "reaction", SECRET, NEWS, false],
      ["a scheduled event there", "event_started", SECRET, NEWS, false],
      ["an open channel in a hidden one", "pin", NEWS, SECRET, true],
      ["a hidden channel in itself", "pin", SECRET, SECRET, true],
      ["one in another one with the same readers", "pin", SECRET, FORUM, true],
      ["one in another one with more readers", "pin", SECRET, ADULT, false],
      ["one in another one with fewer readers", "pin", ADULT, SECRET, true],
      ["a post of a hidden forum in an open channel", "forum_post", "21", NEWS, false, FORUM],
      ["a thread of a channel in the channel", "thread_closed", "21", NEWS, true, NEWS],
      ["a channel that Discord does not list", "pin", "99", NEWS, false],
      ["a channel of another server", "pin", FOREIGN, NEWS, false],
      ["a hidden channel to one of its readers", "pin", SECRET, ADA.id, true],
      ["a hidden channel to another member", "pin", SECRET, "78", false],
      ["a hidden channel to no member", "pin", SECRET, "79", false],
      ["an open channel to another member", "pin", NEWS, "78", true],
      ["the server in one of its channels", "boost", "", NEWS, true],
      ["the server in another one", "boost", "", FOREIGN, false],
      ["an event of the server in another one", "event_started", "", FOREIGN, false],
      ["the server to a member", "role_given", "", "78", true],
      ["the server to no member", "role_given", "", "79", false],
    ];
  for (const [title, name, source, post, isTold, parent] of CASES) {
    it(`${isTold ? "tells of" : "tells nothing of"} ${title}`, async () => {
      assert.equal(await tells(name, source, post, parent), isTold);
    });
  }
});

describe("[W7] wordsOfEvents()", () => {
  it("asks for no message of a place that the config has closed meanwhile", async () => {
    const event = (parent: string) =>
      ({
        hook: "on:forum_post:0.0:main",
        senderId: ["21", ID, GUILD, parent, "key"].join("/"),
      }) as unknown as HookEvent;
    for (
      const [parent, closed, asked] of [["13", "13", 0], ["13", "12", 1], ["", "21", 0]] as const
    ) {
      const paths: string[] = [];
      const request = (path: string) => {
        paths.push(path);
        return { author: { username: "ada" }, content: "low tide ||at six||" };
      };
      const mayAct = (place: Place) => place.kind === "guild" && place.channel.id !== closed;
      const place = placeOf((parent || "21") as ChannelId);
      const words = await wordsOf(request, [event(parent)], place, { mayAct });
      assert.equal(paths.length, asked, `${parent} ${closed}`);
      assert.ok("text" in words);
      assert.equal(words.text.includes("low tide (spoiler)"), asked === 1);
    }
  });

  it("leaves out posts that are answered as messages", async () => {
    const [taken, open] = ["21", "22"].map((id) => {
      const senderId = [id, "", GUILD, FORUM, "key"].join("/");
      return { hook: "on:forum_post:0.0:main", senderId } as unknown as HookEvent;
    });
    assert.ok(taken && open);
    const none = () => assert.fail("nothing is read");
    const words = await wordsOf(none, [taken], placeOf(FORUM), { taken: ["21"] });
    assert.deepEqual(words, { unneeded: "its post has an answer as a message" });
    for (const all of [[taken, open], [open, taken]]) {
      const found = await wordsOf(() => [], all, placeOf(FORUM), { taken: ["21"] });
      assert.deepEqual("events" in found && found.events, [open]);
    }
  });

  it("greets the newcomers who are still there, and may mention these alone", async () => {
    const senderId = ["", "", GUILD, "", "key"].join("/");
    const joined = ["77", "78", "79"].map((id) =>
      ({ hook: "on:member_join:0.0:main", senderId, sources: [id] }) as unknown as HookEvent
    );
    const without = (left: readonly string[]) => (path: string) => {
      const id = path.split("/").at(-1) ?? "";
      return left.includes(id) ? gone() : { user: { id, username: "a" }, roles: [] };
    };
    const some = await wordsOf(without(["78"]), joined, placeOf(NEWS));
    assert.ok("events" in some);
    assert.deepEqual([some.events, some.greets], [[joined[0], joined[2]], ["77", "79"]]);
    const none = await wordsOf(without(["77", "78", "79"]), joined, placeOf(NEWS));
    assert.deepEqual(none, { unneeded: "the newcomer has left" });
  });
});
