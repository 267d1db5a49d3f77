/**
 * Tests searches in a server's own messages against a simulated Discord: the real rights and the real
 * store, over real sockets. The simulator computes permissions by itself.
 */

import fc from "fast-check";
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createEarlierAnswers } from "../../../../src/flows/turn/control/earlier_answers.ts";
import { createServerSearch } from "../../../../src/discord/rest/actions/server_search.ts";
import { createShow } from "../../../../src/discord/gateway/decode/shown_message.ts";
import { createReader } from "../../../../src/discord/gateway/read/reader.ts";
import type { RestApi } from "../../../../src/discord/rest/client/client.ts";
import type { InboundMessage } from "../../../../src/core/inbound/inbound.ts";
import type { MessageId } from "../../../../src/core/discord/ids.ts";
import type {
  FoundSources,
  SearchReach,
  ServerQuery,
} from "../../../../src/core/turn/ports/search.ts";
import {
  addChannel,
  addMember,
  addRole,
  addThread,
} from "../../../../simulator/world/create_world.ts";
import { may } from "../../../../simulator/world/access.ts";
import { ALL_PERMISSIONS, PERMISSION } from "../../../../simulator/world/permissions.ts";
import type {
  Channel,
  Message,
  TextChannel,
  Thread,
  User,
} from "../../../../simulator/world/world.ts";
import {
  ACCOUNT,
  channelId as channelIdOf,
  directMessage,
  guildMessage,
  guildPlace,
  messageIdAt,
  sender,
} from "../../../support/discord/builders.ts";
import { batch, ignored, openTestStore } from "../../../support/store/store.ts";
import { FakeClock } from "../../../support/fake_clock.ts";
import { recordingLog } from "../../../support/recording_log.ts";
import { type Simulated, withDiscord } from "../simulated.ts";
import { HELD_BACK, NEW, TALK, TUNED } from "./paraphrases.ts";

const AT = Date.UTC(2026, 0, 2);
const VIEW = PERMISSION.viewChannel;
const BOTH = PERMISSION.viewChannel | PERMISSION.readMessageHistory;

interface SearchScene extends Simulated {
  readonly clock: FakeClock;
  /** Adds a channel; `closed` to everyone but some roles and members. */
  channel(name: string, open?: readonly string[], fields?: Partial<TextChannel>): TextChannel;
  /** Posts a message, which the bot hears. */
  post(
    text: string,
    where: TextChannel | Thread,
    as?: string,
    replyTo?: MessageId,
  ): Promise<Message>;
  search(
    words: string,
    where: TextChannel | Thread | undefined,
    by: User,
    reach?: SearchReach["reach"],
    more?: Partial<ServerQuery>,
  ): Promise<FoundSources>;
  texts(...asked: Parameters<SearchScene["search"]>): Promise<readonly string[]>;
  /** Channels that the config or the policy closes. */
  readonly closed: { off: Set<string>; policy: Set<string> };
  readonly stored: () => number;
  /** Threads that Discord tells as private ones; the simulator has none. */
  readonly hidden: Set<string>;
}

async function withSearch(test: (scene: SearchScene) => Promise<void>): Promise<void> {
  await withDiscord(async (discord) => {
    const { sim, demo: { world, krill, barnacle } } = discord;
    const hidden = new Set<string>();
    const api: RestApi = {
      async request(...asked) {
        const answer = await discord.api.request(...asked);
        return JSON.parse(
          JSON.stringify(answer),
          (_, value) => hidden.has(value?.id) && "type" in value ? { ...value, type: 12 } : value,
        );
      },
    };
    const userOf = (name: string): User => {
      const found = [...world.users.values()].find(({ username }) => username === name);
      assert.ok(found, name);
      return found;
    };
    const captain = addRole(world, krill, { name: "captain", permissions: ALL_PERMISSIONS }, AT);
    sim.setRoles({ who: "Barnacle", roles: ["Barnacle", captain.name] });
    const self = { userId: barnacle.userId, applicationId: barnacle.id, username: "Barnacle" };
    const reader = createReader({ accountId: ACCOUNT, guilds: [], self }, (problem) => {
      throw new Error(JSON.stringify(problem));
    });
    const { store, database } = openTestStore();
    const clock = new FakeClock(AT);
    const closed = { off: new Set<string>(), policy: new Set<string>() };
    const isClosed = (set: Set<string>, ...ids: readonly (string | undefined)[]) =>
      ids.some((id) => id !== undefined && set.has(id));
    const run = createServerSearch({
      accountId: ACCOUNT,
      client: api,
      closedBy: (_asker, { channelId, parentId }) =>
        isClosed(closed.policy, channelId, parentId) ? "rule" : undefined,
      isSearchable: ({ channelId, parentId }) => !isClosed(closed.off, channelId, parentId),
      show: createShow({
        accountId: ACCOUNT,
        reader,
        maySee: () => true,
        footerOf: store.outbox.footerOf,
      }),
      knowledge: store.knowledge,
      guilds: () => [krill.id],
      schedule: clock.schedule,
      now: clock.now,
    });
    let turns = 0;
    const placeOf = (where: TextChannel | Thread): InboundMessage["place"] => {
      const parent = where.kind === "thread" ? world.channels.get(where.parentId) : where;
      assert.ok(parent && "name" in parent);
      const place = guildPlace();
      return {
        ...place,
        guild: { ...place.guild, id: krill.id },
        channel: { id: parent.id, name: parent.name ?? "" },
        ...(where.kind === "thread" && { thread: { id: where.id, name: where.name } }),
      };
    };
    const search: SearchScene["search"] = async (
      words,
      where,
      by,
      reach = "readers",
      more = {},
    ) => {
      const id = messageIdAt(Date.UTC(2026, 5, 1) + ++turns);
      const asker = { id, sender: sender({ id: by.id, username: by.username }), text: "?" };
      const message = where
        ? {
          ...guildMessage(asker),
          place: placeOf(where),
          channelId: where.id,
          guildId: krill.id,
        }
        : directMessage(asker);
      const { signal } = new AbortController();
      return await run({ messages: [message], reach, waitMs: 20_000, signal }, {
        words,
        limit: 10,
        ...more,
      });
    };
    await test({
      ...discord,
      clock,
      closed,
      hidden,
      stored: () =>
        Number(
          database.prepare("SELECT COUNT(*) AS n FROM known_message WHERE channel <> 0").get()
            ?.["n"],
        ),
      channel(name, open, fields = {}) {
        const ids = open?.map((who) =>
          [...krill.roles.values()].find((role) => role.name === who)?.id ?? userOf(who).id
        );
        const overwrites = ids
          ? [
            { id: krill.id, kind: "role" as const, allow: 0n, deny: VIEW },
            ...ids.map((id) => ({
              id,
              kind: krill.roles.has(id as never) ? "role" as const : "member" as const,
              allow: BOTH,
              deny: 0n,
            })),
          ]
          : [];
        return addChannel(world, krill, { name, overwrites: overwrites as never, ...fields }, AT);
      },
      async post(text, where, as = "ada", replyTo) {
        const message = sim.say({ as, in: where.name, text, replyTo });
        const place = placeOf(where);
        const by = userOf(as);
        const heard = guildMessage({
          id: message.id,
          text,
          channelId: where.id,
          guildId: krill.id,
          sender: sender({ id: by.id, username: by.username }),
          quoted: replyTo && { id: replyTo, text: "" },
        });
        const judged = { ...ignored({ ...heard, place }, true), isSearchable: true as const };
        await store.inbox.acceptBatch(batch({ judged: [judged] }), AT);
        return message;
      },
      search,
      async texts(...asked) {
        const { sources } = await search(...asked);
        return sources.map(({ text }) => text).toSorted();
      },
    });
  });
}

describe("[T17] a search for all readers of a channel", () => {
  it("[SEC-R4] shows what each of them may read, and no more", () =>
    withSearch(async ({ channel, post, texts, demo: { channels, people } }) => {
      const staff = channel("staff", ["helpers"]);
      const mixed = channel("mixed", ["helpers", "mallory"]);
      await post("shells in general", channels.general);
      await post("shells for staff", staff);
      await post("shells in the mixed channel", mixed);
      const open = ["shells in general"];
      assert.deepEqual(await texts("shells", channels.general, people.grace), open);
      assert.deepEqual(await texts("shells", channels.general, people.ada), open);
      const all = ["shells for staff", "shells in general", "shells in the mixed channel"];
      assert.deepEqual(await texts("shells", staff, people.grace), all);
      assert.deepEqual(await texts("shells", mixed, people.grace), all, "mallory is no member");
    }));

  it("looks at members with overwrites of their own", () =>
    withSearch(async ({ channel, post, texts, demo: { krill, channels, people } }) => {
      const staff = channel("staff", ["helpers"]);
      const mixed = channel("mixed", ["helpers", "mallory"]);
      await post("shells for staff", staff);
      await post("shells in general", channels.general);
      addMember(krill, { userId: people.mallory.id, joinedAt: AT });
      const found = await texts("shells", mixed, people.grace);
      assert.deepEqual(found, ["shells in general"], "mallory is no helper");
    }));

  it("shows a private thread in itself only, and a public one as its channel", () =>
    withSearch(async ({ hidden, demo: { world, channels, people }, post, texts }) => {
      const secret = addThread(
        world,
        channels.help,
        { name: "secret", ownerId: people.ada.id },
        AT,
      );
      hidden.add(secret.id);
      await post("shells in the thread", channels.thread);
      await post("shells in secret", secret);
      for (const by of [people.grace, people.ada]) {
        for (const where of [channels.general, channels.help, channels.thread]) {
          const found = await texts("shells", where, by);
          assert.deepEqual(found, ["shells in the thread"], `${by.username} in ${where.name}`);
        }
      }
      assert.deepEqual(await texts("shells", secret, people.ada), [
        "shells in secret",
        "shells in the thread",
      ]);
      assert.equal((await texts("shells", undefined, people.ada, "asker")).length, 2);
      assert.equal((await texts("shells", undefined, people.grace, "asker")).length, 1);
    }));

  it("[H9] shows nothing of an age-restricted channel elsewhere", () =>
    withSearch(async ({ channel, post, texts, demo: { channels, people } }) => {
      const grown = channel("grown", undefined, { isAgeRestricted: true });
      await post("shells for adults", grown);
      await post("shells in general", channels.general);
      assert.deepEqual(await texts("shells", channels.general, people.ada), ["shells in general"]);
      assert.equal((await texts("shells", grown, people.ada)).length, 2);
      assert.deepEqual(await texts("shells", undefined, people.ada, "asker"), [
        "shells in general",
      ]);
    }));

  it("shows nothing of channels that the config closes", () =>
    withSearch(async ({ closed, post, texts, demo: { channels, people } }) => {
      await post("shells in help", channels.help);
      await post("shells off topic", channels.offTopic);
      await post("shells in general", channels.general);
      closed.off.add(channels.help.id);
      closed.policy.add(channels.offTopic.id);
      assert.deepEqual(await texts("shells", channels.general, people.ada), ["shells in general"]);
    }));

  it("goes by the rights of the moment", () =>
    withSearch(async ({ sim, post, texts, demo: { channels, people } }) => {
      await post("shells in help", channels.help);
      assert.equal((await texts("shells", channels.general, people.grace)).length, 1);
      sim.permit({ to: "helpers", what: "readMessageHistory", as: "denied", in: "#help" });
      assert.deepEqual(await texts("shells", channels.general, people.grace), []);
    }));
});

describe("[T17] a search for the asker alone", () => {
  it("shows what the asker may read, from everywhere", () =>
    withSearch(async ({ channel, post, texts, demo: { channels, people } }) => {
      const staff = channel("staff", ["helpers"]);
      await post("shells for staff", staff);
      await post("shells in general", channels.general);
      const all = ["shells for staff", "shells in general"];
      for (const where of [channels.general, undefined]) {
        assert.deepEqual(await texts("shells", where, people.grace, "asker"), all);
        assert.deepEqual(await texts("shells", where, people.mallory, "asker"), [], "no member");
        assert.deepEqual(await texts("shells", where, people.edsger, "asker"), [], "no member");
      }
    }));
});

/** Changes while a search waits for Discord's index, by someone else. */
const MEANWHILE: readonly (readonly [
  what: string,
  reach: SearchReach["reach"],
  change: (scene: SearchScene & { readonly message: Message }) => void,
])[] = [
  [
    "the asker lost the role that reads the source",
    "asker",
    ({ sim }) => sim.setRoles({ who: "grace", roles: [] }),
  ],
  [
    "the asker lost the right to read the source",
    "asker",
    ({ sim }) =>
      sim.permit({ to: "helpers", what: "readMessageHistory", as: "denied", in: "#source" }),
  ],
  [
    "the asker was removed from the server",
    "asker",
    ({ sim }) => sim.kick({ who: "grace" }),
  ],
  [
    "the source was hidden from readers of the answer",
    "readers",
    ({ sim }) => sim.permit({ to: "helpers", what: "viewChannel", as: "denied", in: "#source" }),
  ],
  [
    "the place of the answer was opened to others",
    "readers",
    ({ sim }) => sim.permit({ to: "@everyone", what: "viewChannel", as: "allowed", in: "#place" }),
  ],
  [
    "the message was deleted",
    "readers",
    ({ demo: { world }, message }) => {
      const source = world.channels.get(message.channelId);
      assert.ok(source && "messages" in source);
      source.messages.delete(message.id);
    },
  ],
  [
    "the source was deleted",
    "asker",
    ({ sim }) => sim.deleteChannel("#source"),
  ],
];

describe("[T17] [SEC-R4] a search that waits for Discord's index", () => {
  for (
    const [what, reach, change] of [["nothing changed", "readers", () => {}] as const, ...MEANWHILE]
  ) {
    it(`goes by the rights at its end: ${what} meanwhile`, () =>
      withSearch(async (scene) => {
        const { sim, clock, channel, post, search, demo: { krill, people } } = scene;
        const source = channel("source", ["helpers"]);
        const place = channel("place", ["helpers"]);
        const message = await post("shells of the helpers", source);
        krill.things.unindexed = 1;
        const asked = () =>
          sim.requests.records().filter(({ path }) => path.includes("/messages/search")).length;
        let isOver = false;
        const searching = search("shells", place, people.grace, reach).finally(() => isOver = true);
        await sim.until(() => asked() > 0 || undefined, AbortSignal.timeout(60_000));
        change({ ...scene, message });
        await sim.until(() => {
          clock.advance(1_000);
          return isOver || undefined;
        }, AbortSignal.timeout(60_000));
        const { sources } = await searching;
        assert.equal(sources.length, what === "nothing changed" ? 1 : 0);
      }));
  }
});

describe("[T17] what a search finds", () => {
  it("tells replies as Discord has them now: one that is gone is left out", () =>
    withSearch(async ({ post, search, stored, demo: { channels, people } }) => {
      const question = await post("where are the shells", channels.general);
      const replies = [
        await post("below the mat", channels.general, "grace", question.id),
        await post("in the shed", channels.general, "grace", question.id),
      ];
      const told = async () => {
        const [source] = (await search(
          "where are the shells",
          channels.general,
          people.grace,
          "readers",
        )).sources;
        return source?.replies.map(({ link, text }) => [link.split("/").at(-1), text]);
      };
      const [mat, shed] = replies.map(({ id, content }) => [id, content]);
      assert.deepEqual(await told(), [mat, shed]);
      assert.equal(stored(), 3);
      channels.general.messages.delete(replies[0]?.id ?? question.id); // the bot has not heard of it
      assert.deepEqual(await told(), [shed]);
      assert.equal(stored(), 2);
    }));

  it("says nothing about one channel that may not be shown, and asks Discord nothing", () =>
    withSearch(async ({ sim, channel, post, search, demo: { channels, people } }) => {
      const staff = channel("staff", ["helpers"]);
      await post("shells of staff", staff);
      const searches = () =>
        sim.requests.records().filter(({ path }) => path.includes("/messages/search")).length;
      for (const channelId of [staff.id, channelIdOf("1442000000000000000")]) {
        const found = await search("shells", channels.general, people.grace, "readers", {
          channelId,
        });
        assert.deepEqual(found, { sources: [], notes: [] });
      }
      assert.equal(searches(), 0);
    }));

  it("is read at Discord first: a deleted message is not shown, and leaves the store", () =>
    withSearch(async ({ post, texts, stored, demo: { channels, people } }) => {
      const message = await post("shells at noon", channels.general);
      channels.general.messages.delete(message.id); // the bot has not heard of it
      assert.equal(stored(), 1);
      assert.deepEqual(await texts("shells", channels.general, people.grace), []);
      assert.equal(stored(), 0);
    }));

  it("has messages from before the bot kept any, topics and titles of threads, with links", () =>
    withSearch(async ({ sim, search, demo: { channels, krill, people } }) => {
      const old = sim.say({ as: "ada", in: "general", text: "The lighthouse opens at nine" });
      Object.assign(channels.help, { topic: "Help with the lighthouse" });
      const { sources, notes } = await search("lighthouse", channels.general, people.grace);
      const links = sources.map(({ kind, link }) => `${kind} ${link}`).toSorted();
      const base = `https://discord.com/channels/${krill.id}`;
      assert.deepEqual(links, [
        `message ${base}/${channels.general.id}/${old.id}`,
        `topic ${base}/${channels.help.id}`,
      ]);
      assert.deepEqual(notes, []);
    }));

  it("waits while Discord builds its index, and goes on without it", () =>
    withSearch(async ({ sim, search, clock, demo: { krill, channels, people } }) => {
      sim.say({ as: "ada", in: "general", text: "The budget" });
      for (const [unindexed, found] of [[1, 1], [100, 0]] as const) {
        krill.things.unindexed = unindexed;
        let isOver = false;
        const searching = search("budget", channels.general, people.grace)
          .finally(() => isOver = true);
        await sim.until(() => {
          clock.advance(1_000);
          return isOver || undefined;
        }, AbortSignal.timeout(60_000));
        const { sources, notes } = await searching;
        assert.equal(sources.length, found);
        assert.equal(notes.length, 1 - found);
        if (found === 0) assert.match(notes[0] ?? "", /still building its search index/);
      }
    }));

  const overwrite = fc.record({
    who: fc.constantFrom("@everyone", "helpers", "crew", "grace", "mallory", "edsger"),
    what: fc.constantFrom("viewChannel" as const, "readMessageHistory" as const),
    as: fc.constantFrom("allowed" as const, "denied" as const),
  });
  const settings = fc.array(overwrite, { maxLength: 5 });

  it("reaches no one who may not read its source: random servers, askers and places (law)", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(settings, { minLength: 3, maxLength: 3 }),
        fc.array(fc.subarray(["helpers", "crew"]), { minLength: 3, maxLength: 3 }),
        fc.nat(2),
        settings, // between two turns
        async (channelsOf, rolesOf, at, later) => {
          await withSearch(
            async ({ sim, channel, post, search, demo: { world, krill, people } }) => {
              addRole(world, krill, { name: "crew" }, AT);
              const names = ["one", "two", "three"];
              const places = names.map((name) => channel(name));
              const persons = [people.grace, people.mallory, people.edsger];
              persons.forEach((person, index) => {
                if (!krill.members.has(person.id)) {
                  addMember(krill, { userId: person.id, joinedAt: AT });
                }
                sim.setRoles({ who: person.username, roles: rolesOf[index] ?? [] });
              });
              channelsOf.forEach((list, index) =>
                list.forEach(({ who, ...change }) =>
                  sim.permit({ to: who, ...change, in: names[index] ?? "one" })
                )
              );
              for (const place of places) await post(`shells in ${place.name}`, place);
              const now = (one: TextChannel): Channel => world.channels.get(one.id) ?? one;
              const where = places[at];
              assert.ok(where);
              for (const changes of [[], later]) {
                changes.forEach(({ who, ...change }, index) =>
                  sim.permit({ to: who, ...change, in: names[index % 3] ?? "one" })
                );
                for (const by of persons) {
                  const shared = await search("shells", where, by, "readers");
                  for (const { link } of shared.sources) {
                    const source = places.find(({ id }) => link.includes(id));
                    assert.ok(source);
                    for (const reader of persons) {
                      const sees = may(world, now(where), reader.id, "view");
                      const reads = may(world, now(source), reader.id, "view") &&
                        may(world, now(source), reader.id, "read_history");
                      assert.ok(!sees || reads, `${reader.username} reads ${where.name}`);
                    }
                  }
                  const own = await search("shells", where, by, "asker");
                  for (const source of places) {
                    const isShown = own.sources.some(({ link }) => link.includes(source.id));
                    const reads = may(world, now(source), by.id, "view") &&
                      may(world, now(source), by.id, "read_history");
                    assert.equal(isShown, reads, `${by.username} in ${source.name}`);
                  }
                }
              }
            },
          );
        },
      ),
      { numRuns: 15 },
    );
  });
});

describe("[T17] a question in other words than an earlier one", () => {
  for (
    const [name, pairs, enough] of [
      ["of the pairs that chose the threshold", TUNED, 19],
      ["of the pairs that were held back", HELD_BACK, 19],
      ["of questions that no one has answered", NEW.map((words) => ["", "", words] as const), 0],
    ] as const
  ) {
    it(`gives the model the earlier reply's words, and posts no wrong link: ${name}`, () =>
      withSearch(async ({ post, search, demo: { channels, people } }) => {
        for (const text of TALK) await post(text, channels.general, "grace");
        const links = new Map<string, string>();
        for (const [question, reply] of [...TUNED, ...HELD_BACK]) {
          const asked = await post(question, channels.help, "grace");
          links.set(question, (await post(reply, channels.help, "ada", asked.id)).id);
        }
        const posted: (string | undefined)[] = [];
        const lookUp = createEarlierAnswers({
          isAuto: () => true,
          search: (_by, query) =>
            search(query.words, channels.help, people.grace, "readers", query),
          tell: (_message, told) => Promise.resolve(void posted.push(...told)),
          schedule: new FakeClock(AT).schedule,
          stopping: new AbortController().signal,
          log: recordingLog().log,
        });
        let answered = 0;
        for (const [question, reply, text] of pairs) {
          const found = await lookUp(guildMessage({ text, sentAt: AT * 2 })) ?? [];
          if (found.some(({ replies: [first] }) => first?.text === reply)) answered++;
          const right = links.get(question);
          const wrong = posted.splice(0).filter((link) => link?.split("/").at(-1) !== right);
          assert.deepEqual(wrong, [], text);
        }
        assert.ok(answered >= enough, `${answered} of ${pairs.length}`);
      }));
  }
});
