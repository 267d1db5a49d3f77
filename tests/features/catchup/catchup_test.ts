/**
 * Tests catch-ups against a simulated Discord: the real rights and the real store. The simulator
 * computes permissions by itself.
 */

import fc from "fast-check";
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { partsOf } from "../../../src/interactions/base/command.ts";
import { type ChannelId, type MessageId, snowflakeAt } from "../../../src/core/discord/ids.ts";
import type { CommandCall } from "../../../src/core/inbound/inbound.ts";
import { type Model, ModelError, type ModelRequest } from "../../../src/core/model.ts";
import { createReader } from "../../../src/discord/gateway/read/reader.ts";
import type { RestApi } from "../../../src/discord/rest/client/client.ts";
import { RestError } from "../../../src/discord/rest/exchange/exchange.ts";
import { catchUp, chooseNews, linesOf, REQUESTS } from "../../../src/features/catchup/catch_up.ts";
import { reasonText } from "../../../src/render/failure.ts";
import {
  addChannel,
  addMember,
  addRole,
  addThread,
} from "../../../simulator/world/create_world.ts";
import { may } from "../../../simulator/world/access.ts";
import { ALL_PERMISSIONS } from "../../../simulator/world/permissions.ts";
import type { TextChannel, Thread, User } from "../../../simulator/world/world.ts";
import { type Simulated, withDiscord } from "../../discord/rest/simulated.ts";
import { testAccount } from "../../support/bot/test_account.ts";
import { callOf } from "../../support/discord/calls.ts";
import { messageData } from "../../support/discord/payloads.ts";
import { ACCOUNT, guildMessage, guildPlace, sender } from "../../support/discord/builders.ts";
import { batch, ignored } from "../../support/store/store.ts";

const HOUR = 3_600_000;
const NO_TIME = /^That does not fit this command.*`\/catchup since:2h`/;
const AT = Date.UTC(2026, 0, 2);

function repeat({ messages }: ModelRequest): string {
  const text = messages.map((one) => one.text).join("\n");
  return [...text.matchAll(/^\{"n":(\d+).*?"text":"(.*)"\}$/gm)]
    .map(([, n, words]) => `- ${words} [${n}]`).join("\n");
}

/** A Discord, the bot's part, and what a test changes. */
async function openPlay(discord: Simulated) {
  const { sim, demo: { world, krill, barnacle, channels } } = discord;
  const captain = addRole(world, krill, { name: "captain", permissions: ALL_PERMISSIONS }, AT);
  sim.setRoles({ who: "Barnacle", roles: ["Barnacle", captain.name] });
  const self = { userId: barnacle.userId, applicationId: barnacle.id, username: "Barnacle" };
  const reader = createReader({ accountId: ACCOUNT, guilds: [], self }, () => {});
  const state = {
    ahead: 0, // milliseconds of the bot's clock
    answer: repeat as (request: ModelRequest) => string | Promise<string>,
    mayFail: (_path: string): void => {},
    hidden: new Set<string>(), // threads that Discord tells as private ones
  };
  const now = () => Date.now() + state.ahead;
  const requests: ModelRequest[] = [];
  const model: Model = {
    id: "fake/model",
    async *generate(request) {
      requests.push(request);
      yield { kind: "text", text: await state.answer(request) };
      yield { kind: "finish", reason: "stop", usage: { inputTokens: 10, outputTokens: 5 } };
    },
  };
  const client: RestApi = {
    async request(...asked) {
      state.mayFail(asked[1]);
      assert.equal(asked[2]?.priority, "background");
      const answer = JSON.stringify(await discord.api.request(...asked));
      return JSON.parse(
        answer,
        (_, value) =>
          state.hidden.has(value?.id) && "type" in value ? { ...value, type: 12 } : value,
      );
    },
  };
  const discordKeys = (channels: object) => ({
    groupPolicy: "open",
    guilds: { [krill.id]: { channels: { ...channels, "*": {} } } },
  });
  const beside = { agents: { defaults: { timezone: "UTC" } } };
  const bot = await testAccount({ discord: discordKeys({}), beside, model });
  const { account, store, rows } = bot;
  const guilds = new Map([[krill.id, {
    name: "Krill",
    channels: world.channels,
    roles: new Map(),
  }]]);
  bot.clock.set(now() - bot.clock.now());
  Object.assign(account, { rest: client, reader: { ...reader, index: guilds }, now });
  const placeOf = (where: TextChannel | Thread) => {
    const id = where.kind === "thread" ? where.parentId : where.id;
    const guild = { id: krill.id, name: "Krill" };
    return { ...guildPlace(), guild, channel: { id: id as ChannelId, name: "" } };
  };
  const senderOf = (by: User) => sender({ id: by.id, username: by.username });
  return Object.assign(state, {
    ...discord,
    receive: bot.receive,
    guilds,
    /** The config changes: channels of the server, and keys beside `channels`. */
    reload: (channels: object, others: object = {}) => bot.reload(discordKeys(channels), others),
    channel: (name: string, fields: Partial<TextChannel> = {}) =>
      addChannel(world, krill, { name, ...fields }, AT),
    thread: (name: string, where: TextChannel, ownerId: User["id"]) =>
      addThread(world, where, { name, ownerId }, AT),
    archive: (id: string) =>
      void Object.assign(world.channels.get(id as ChannelId) ?? {}, { isArchived: true }),
    /** Posts a message, which the bot hears. */
    async post(text: string, where: TextChannel | Thread, as = "ada", replyTo?: MessageId) {
      const message = sim.say({ as, in: where.name, text, replyTo });
      const by = [...world.users.values()].find(({ username }) => username === as);
      assert.ok(by);
      const heard = guildMessage({
        ...{ id: message.id, text, guildId: krill.id, sender: senderOf(by) },
        channelId: where.id as ChannelId,
        quoted: replyTo && { id: replyTo, text: "" },
      });
      const judged = [ignored({ ...heard, place: placeOf(where) }, true)];
      await store.inbox.acceptBatch(batch({ judged }), now());
      return message;
    },
    async catchUp(
      by: User,
      options: CommandCall["options"] = { since: "2h" },
      fields: Partial<CommandCall> = {},
    ): Promise<string> {
      state.ahead += 31_000; // the pause between two catch-ups of a person
      requests.length = 0;
      const before = sim.requests.records().length;
      const { text } = partsOf(
        await catchUp(
          account.forPart("interactions"), // as each command gets it
          callOf("catchup", {
            ...{ id: snowflakeAt(now(), 7), guildId: krill.id, sender: senderOf(by), options },
            ...{ channelId: channels.general.id as ChannelId, place: placeOf(channels.general) },
            ...fields,
          }),
        ) ?? "",
      );
      assert.ok(sim.requests.records().length - before <= REQUESTS.first + REQUESTS.last);
      assert.ok(text.length <= 2_000 && text !== "");
      return text;
    },
    /** Lines of the newest request to the model. */
    lines(): readonly { text: string; concerns?: string }[] {
      const text = requests.at(-1)?.messages.map((one) => one.text).join("\n") ?? "";
      return [...text.matchAll(/^\{"n".*\}$/gm)].map(([line]) => JSON.parse(line));
    },
    rows,
  });
}

type Play = Awaited<ReturnType<typeof openPlay>>;

const withCatchUp = (test: (play: Play) => Promise<void>) =>
  withDiscord(async (discord) => await test(await openPlay(discord)));

describe("[T17] a catch-up", () => {
  it("begins with what concerns the person, and links each line to a message that was read", () =>
    withCatchUp(async (play) => {
      const { post, catchUp, demo: { krill, channels, people: { grace } } } = play;
      const own = await post("who feeds the krill?", channels.general, "grace");
      await post("the harbour is closed", channels.general);
      const thread = play.thread("nets", channels.help, grace.id);
      await post("the nets are mended", thread);
      const reply = await post("I do, at nine", channels.general, "ada", own.id);
      const mention = await post(`<@${grace.id}> bring hunter2`, channels.offTopic);
      await post("not here", channels.offTopic, "ada", mention.id); // a reply to what ada has said
      const text = await catchUp(grace);
      assert.deepEqual(play.lines().map(({ concerns }) => concerns), [
        ...["mention", "reply", "thread"],
        ...[undefined, undefined],
      ]);
      const links = text.split("\n").slice(1).map((line) => line.split(" ").at(-1));
      const server = `https://discord.com/channels/${krill.id}`;
      assert.equal(links.length, 5);
      assert.equal(links[0], `${server}/${channels.offTopic.id}/${mention.id}`);
      assert.equal(links[1], `${server}/${channels.general.id}/${reply.id}`);
      assert.doesNotMatch(text + JSON.stringify(play.lines()), /hunter2|who feeds/);
      const charges = play.rows("SELECT user_id, kind FROM usage");
      assert.deepEqual(charges, [{ user_id: grace.id, kind: "summary" }]);
    }));

  it("begins at the person's last message or reaction that the bot saw", () =>
    withCatchUp(async ({ post, catchUp, lines, rows, demo: { channels, people: { grace } } }) => {
      assert.match(await catchUp(grace, {}), NO_TIME);
      await post("before", channels.general);
      await post("hello", channels.general, "grace");
      await post("after", channels.general);
      await catchUp(grace, {});
      assert.deepEqual(lines().map(({ text }) => text), ["after"]);
      rows(
        `INSERT INTO reaction (account_id, channel_id, message_id, user_id, tag, emoji, change, at)
         VALUES ('${ACCOUNT}', '${channels.general.id}', '1', '${grace.id}', 'grace', '👍', 'added',
           ${Date.now()})`,
      );
      assert.match(await catchUp(grace, {}), /^Nothing new/);
    }));

  it("reads the server in which a person was last who asks in a direct message", () =>
    withCatchUp(async ({ post, catchUp, lines, demo: { channels, people: { grace } } }) => {
      await post("hello", channels.general, "grace");
      await post("after", channels.general);
      await catchUp(grace, {}, { guildId: undefined, place: { kind: "dm" } });
      assert.deepEqual(lines().map(({ text }) => text), ["after"]);
    }));

  it("reads one channel with its threads if the person names it", () =>
    withCatchUp(async ({ post, catchUp, lines, demo: { channels, people: { grace } } }) => {
      await post("in general", channels.general);
      await post("in help", channels.help);
      await post("in the thread", channels.thread);
      await catchUp(grace, { since: "1h", where: channels.help.id });
      assert.deepEqual(lines().map(({ text }) => text).toSorted(), ["in help", "in the thread"]);
    }));

  it("reads a busy channel in parts, finds what concerns the person there, and says so", () =>
    withCatchUp(async (play) => {
      const { post, catchUp, lines, demo: { channels, people: { grace } } } = play;
      for (let n = 0; n < 420; n++) {
        await post(n === 7 ? `<@${grace.id}> call me` : `news ${n}`, channels.general);
      }
      for (let n = 0; n < 30; n++) await post("hm", play.channel(`busy-${n}`));
      const text = await catchUp(grace, { since: "1d" });
      assert.equal(lines()[0]?.concerns, "mention");
      assert.match(text, new RegExp(`Not read whole: .*<#${channels.general.id}> \\d+/4[12]\\d`));
      assert.ok(lines().length <= 100);
    }));

  it("reads what it can while Discord builds its index of the server", () =>
    withCatchUp(async ({ post, catchUp, lines, demo: { krill, channels, people: { grace } } }) => {
      await post(`<@${grace.id}> call me`, channels.general);
      krill.things.unindexed = 1;
      await catchUp(grace);
      assert.equal(lines()[0]?.concerns, "mention");
      assert.equal(krill.things.unindexed, 0);
    }));

  const THREADS: readonly (readonly [string, (play: Play, id: string) => void])[] = [
    ["private", (play, id) => void play.hidden.add(id)],
    ["archived", (play, id) => play.archive(id)],
  ];
  for (const [what, close] of THREADS) {
    it(`reads its channels however many ${what} threads have new messages`, () =>
      withCatchUp(async (play) => {
        const { post, catchUp, lines, demo: { channels, people: { ada, grace } } } = play;
        await post("the harbour is closed", channels.general);
        for (let n = 0; n < 40; n++) {
          const thread = play.thread(`ticket-${n}`, channels.help, ada.id);
          await post(`ticket ${n}`, thread);
          close(play, thread.id);
        }
        const text = await catchUp(grace);
        assert.ok(lines().some(({ text }) => text === "the harbour is closed"), text);
      }));
  }

  it("drops lines of messages that are deleted or edited while the model writes", () =>
    withCatchUp(async (play) => {
      const { post, catchUp, receive, channel, demo: { krill, people: { grace } } } = play;
      const place = channel("news");
      const deleted = await post("deleted words", place);
      const edited = await post("edited words", place);
      await post("words that stay", place);
      const at = { channel_id: place.id, guild_id: krill.id };
      play.answer = async (request) => {
        await receive("MESSAGE_DELETE", { ...at, id: deleted.id });
        const edited_timestamp = new Date().toISOString();
        await receive("MESSAGE_UPDATE", messageData({ ...at, id: edited.id, edited_timestamp }));
        return repeat(request);
      };
      const text = await catchUp(grace);
      assert.match(text, /words that stay/);
      assert.doesNotMatch(text, /deleted words|edited words/);
    }));

  it("keeps nothing but its verdict, which `why` explains", () =>
    withCatchUp(async ({ post, catchUp, rows, demo: { krill, channels, people: { grace } } }) => {
      await post("the harbour is closed", channels.general);
      const all = "SELECT (SELECT COUNT(*) FROM inbox) + (SELECT COUNT(*) FROM message) + " +
        "(SELECT COUNT(*) FROM outbox) AS n";
      const before = rows(all);
      const [, id] = /\/why (\d+)/.exec(await catchUp(grace)) ?? [];
      assert.deepEqual(rows(all), before);
      const kept = rows(`SELECT verdict, why, rule FROM decision WHERE message_id = '${id}'`);
      const rule = `channels.discord.guilds.${krill.id}.requireMention`;
      assert.deepEqual(kept, [{ verdict: "ignore", why: "caught-up", rule }]);
      assert.match(reasonText("caught-up"), /only its sender saw/);
    }));
});

/** What a hostile or confused model writes about two messages, and the lines that are left. */
const ANSWERS: readonly (readonly [what: string, answer: string, left: readonly string[]])[] = [
  ["a number of no message", "done [9]\nopen [0]\nx [1.5]", []],
  ["a line without a message", "Everything is fine.", []],
  ["a number alone", "[1]", []],
  ["a link of another server", "sale https://discord.com/channels/1/2/3", []],
  ["a link that only begins like one", "x LINK9", []],
  ["the link of a message that was read", "- the harbour is closed LINK", [
    "the harbour is closed",
  ]],
  ["a foreign link within a line", "see https://evil.example/?q=1 now [1]", ["see … now"]],
  ["an invite within a line", "join discord.gg/abc now [1]", ["join … now"]],
  ["Markdown", "**a** [b](javascript://x) @everyone <@1> [2]", [
    "\\*\\*a\\*\\* \\[b\\](… \\@everyone \\<\\@1\\>",
  ]],
  ["other numbers", "first [2] then [1].", ["first then"]],
  ["a name in brackets", "• closed ( <[1]>).", ["closed"]],
  ["a number that only stands within a word", "[1]x y[2", []],
  ["a flood of brackets", `${`${"( <".repeat(333)}x\n`.repeat(49)}fine [1]`, ["fine"]],
  ["thinking", "<think>hm [1]</think>\n1. closed [1]", ["1. closed"]],
];

describe("[T17] the lines of a catch-up", () => {
  it("come from all messages that fit, else from a share of each place", () => {
    const news = Array.from({ length: 60 }, (_, at) => ({ channel: { id: at % 20 }, rank: 3 }));
    for (const [most, expected] of [[100, 60], [60, 60], [40, 40], [5, 5], [0, 0]] as const) {
      assert.equal(chooseNews(news as never, most).length, expected);
    }
  });

  for (const [what, answer, left] of ANSWERS) {
    it(`are those of messages that were read: ${what}`, () => {
      const link = "https://discord.com/channels/5/6/7";
      const news = [link, `${link}1`].map((link) => ({ link, rank: 3 })) as never;
      const lines = linesOf(answer.replaceAll("LINK", link), news);
      assert.deepEqual(lines.map(({ text }) => text), left);
    });
  }
});

const NO_VIEW = { to: "@everyone", what: "viewChannel", as: "denied", in: "#staff" } as const;
const HIDINGS: readonly (readonly [string, (play: Play, staff: TextChannel) => void])[] = [
  ["a hidden channel", ({ sim }) => sim.permit(NO_VIEW)],
  [
    "a channel that the policy closes",
    ({ reload }, { id }) => reload({ [id]: { enabled: false } }),
  ],
  ["an age-restricted channel", (_, staff) => Object.assign(staff, { isAgeRestricted: true })],
];

describe("[T17] [SEC-R4] a catch-up shows no word of a place that the person may not read", () => {
  const overwrite = fc.record({
    who: fc.constantFrom("@everyone", "helpers", "crew", "grace", "mallory"),
    what: fc.constantFrom("viewChannel" as const, "readMessageHistory" as const),
    as: fc.constantFrom("allowed" as const, "denied" as const),
  });
  type Settings = readonly (typeof overwrite extends fc.Arbitrary<infer One> ? One : never)[];
  const settings = fc.array(overwrite, { maxLength: 5 });

  async function judge(
    play: Play,
    channelsOf: readonly Settings[],
    rolesOf: readonly (readonly string[])[],
    adult: readonly boolean[],
    later: Settings,
  ): Promise<void> {
    const { sim, thread, demo: { world, krill, people: { ada, grace, mallory } } } = play;
    addRole(world, krill, { name: "crew" }, AT);
    addMember(krill, { userId: mallory.id, joinedAt: AT });
    for (const [at, { username: who }] of [grace, mallory].entries()) {
      sim.setRoles({ who, roles: rolesOf[at] ?? [] });
    }
    const places = ["one", "two", "three"].map((name, at) =>
      play.channel(name, { isAgeRestricted: adult[at] ?? false, topic: `topic-${name}` })
    );
    const permit = (list: Settings, to: TextChannel | undefined) =>
      list.forEach(({ who, ...change }) => sim.permit({ to: who, ...change, in: to?.name ?? "" }));
    channelsOf.forEach((list, at) => permit(list, places[at]));
    for (const place of places) {
      const secret = thread(`secret-${place.name}`, place, ada.id);
      play.hidden.add(secret.id);
      for (const where of [place, thread(`in-${place.name}`, place, ada.id), secret]) {
        await play.post(`word-${where.name}`, where);
      }
    }
    const readsIt = (by: User, { id }: TextChannel) => {
      const now = world.channels.get(id);
      return now !== undefined && may(world, now, by.id, "view") &&
        may(world, now, by.id, "read_history");
    };
    for (const by of [grace, mallory]) {
      const before = places.map((place) => readsIt(by, place) && !place.isAgeRestricted);
      play.answer = (request) => {
        permit(later, places[0]);
        return repeat(request);
      };
      const text = await play.catchUp(by);
      const read = JSON.stringify(play.lines());
      assert.doesNotMatch(read + text, /secret|topic/);
      for (const [at, place] of places.entries()) {
        assert.equal(read.includes(`word-${place.name}`), before[at], `${by.username}: ${read}`);
        assert.equal(read.includes(`word-in-${place.name}`), before[at]);
        assert.equal(text.includes(place.id), before[at] && readsIt(by, place), text);
      }
    }
  }

  it("for any asker, any server and any change meanwhile (law)", () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(settings, { minLength: 3, maxLength: 3 }),
        fc.array(fc.subarray(["helpers", "crew"]), { minLength: 2, maxLength: 2 }),
        fc.array(fc.boolean(), { minLength: 3, maxLength: 3 }),
        settings, // while the model writes
        (...drawn) => withCatchUp((play) => judge(play, ...drawn)),
      ),
      { numRuns: 12 },
    ));

  for (const [what, hide] of HIDINGS) {
    it(`${what}: the answer is that of a quiet server`, () =>
      withCatchUp(async (play) => {
        const { post, catchUp, channel, demo: { people: { grace } } } = play;
        const staff = channel("staff");
        await post("the password is krill", staff);
        await hide(play, staff);
        const asked = await catchUp(grace, { since: "1h", where: staff.id });
        const quiet = await catchUp(grace, { since: "1h", where: "1234567890123456789" });
        assert.equal(asked.replace(/\d+/g, ""), quiet.replace(/\d+/g, ""));
        assert.equal(play.lines().length, 0);
      }));
  }
});

function down(): never {
  throw new RestError("failed", { kind: "unavailable", route: "GET /x" });
}

function unreached(): never {
  throw new ModelError("failed", { kind: "unavailable", modelId: "fake/model" });
}

function unreadable(path: string): void {
  const refusal = { kind: "forbidden", route: "GET /x", code: 50_001 } as const;
  if (path.includes("/messages")) throw new RestError("failed", refusal);
}

async function spend({ catchUp, reload, demo: { people: { grace } } }: Play): Promise<void> {
  await catchUp(grace);
  await reload({}, { budgets: { perUser: { tokensPerDay: 1 } } });
}

/** What goes wrong, and the one sentence that the person gets. */
const FAILURES: readonly (readonly [string, (play: Play) => unknown, RegExp])[] = [
  ["the model is down", (play) => play.answer = unreached, /^My model is overloaded/],
  [
    "no line counts",
    (play) => play.answer = () => "Nothing.",
    /^Nothing that concerns you since <t/,
  ],
  ["the budget is spent", spend, /^The budget for my answers is used up/],
  ["Discord is down", (play) => play.mayFail = down, /^Discord doesn't answer/],
  ["the bot is not on the server", (play) => play.guilds.clear(), /^I can't catch you up just now/],
  [
    "no history",
    (play) => play.mayFail = unreadable,
    /^Nothing new[^]*\nNot read whole: <#\d+> 0\/1$/,
  ],
];

describe("[T17] a catch-up that fails says so in a sentence", () => {
  for (const [what, set, expected] of FAILURES) {
    it(what, () =>
      withCatchUp(async (play) => {
        await play.post("the harbour is closed", play.demo.channels.general);
        await set(play);
        assert.match(await play.catchUp(play.demo.people.grace), expected);
      }));
  }

  it("nothing is new, the time is none, it comes too late, or again at once", () =>
    withCatchUp(async ({ catchUp, demo: { people: { grace } } }) => {
      const quiet = await catchUp(grace, { since: "1h" });
      assert.match(quiet, /^Nothing new that I could read since <t:\d+:R>\.$/);
      for (const since of ["soon", "", "2099-01-01", "-2h", "1 or 1=1"]) {
        assert.match(await catchUp(grace, { since }), NO_TIME);
      }
      const late = { id: snowflakeAt(Date.now() - HOUR, 1) };
      assert.equal(
        await catchUp(grace, { since: "1h" }, late),
        "I can't catch you up just now. Give `/catchup` again in a minute.",
      );
      const both = await Promise.all([catchUp(grace), catchUp(grace)]);
      assert.equal(
        both.filter((text) =>
          text === "I can't catch you up just now. Give `/catchup` again in a minute."
        ).length,
        1,
      );
    }));
});
