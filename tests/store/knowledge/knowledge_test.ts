import fc from "fast-check";
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, it } from "node:test";
import type { ChannelId, MessageId } from "../../../src/core/discord/ids.ts";
import type { InboundMessage } from "../../../src/core/inbound/inbound.ts";
import type { MessageChange } from "../../../src/core/inbound/inbox.ts";
import type { KnownQuery } from "../../../src/store/knowledge/knowledge.ts";
import { openStore } from "../../support/store/open_database.ts";
import { DAY_MS } from "../../../src/lib/clock.ts";
import {
  ACCOUNT,
  channelId,
  guildMessage,
  messageId,
  sender,
  userId,
} from "../../support/discord/builders.ts";
import { accepted, batch, ignored, openTestStore } from "../../support/store/store.ts";
import { tempDirectory } from "../../support/temp_directory.ts";

const NOW = Date.UTC(2026, 0, 2);
const BASE = 1_400_000_000_000_010_000n;
const idOf = (n: number): MessageId => messageId(String(BASE + BigInt(n)));
const HELP = guildMessage().channelId;
const OTHER = channelId("1400000000000000777");

function build() {
  const { store, rows, database } = openTestStore();
  const { guild } = guildMessage().place as Extract<InboundMessage["place"], { kind: "guild" }>;
  let count = 0;
  const messageOf = (text: string, fields: Partial<InboundMessage> = {}): InboundMessage => {
    const id = fields.id ?? idOf(++count);
    const message = guildMessage({ id, text, ...fields });
    const { place } = message;
    assert.ok(place.kind === "guild");
    return fields.channelId
      ? { ...message, place: { ...place, channel: { id: fields.channelId, name: "other" } } }
      : message;
  };
  /** Hears a message that is not for the bot, in a channel with `knowledge`. */
  async function hear(text: string, fields: Partial<InboundMessage> = {}): Promise<MessageId> {
    const message = messageOf(text, fields);
    const judged = [{ ...ignored(message, true), isSearchable: true as const }];
    await store.inbox.acceptBatch(batch({ judged }), NOW);
    return message.id;
  }
  const change = (changes: readonly MessageChange[]) =>
    store.inbox.acceptBatch(batch({ judged: [], changes }), NOW);
  async function find(words: string, query: Partial<KnownQuery> = {}): Promise<readonly string[]> {
    const { hits } = await store.knowledge.search({
      accountId: ACCOUNT,
      guildId: guild.id,
      words,
      among: new Set<ChannelId>([HELP, OTHER]),
      limit: 10,
      ...query,
    });
    return hits.map(({ messageId }) => messageId);
  }
  const tendAll = async () => {
    while (await store.knowledge.tend());
  };
  return { store, rows, database, messageOf, hear, change, find, tendAll };
}

describe("[T17] store.knowledge.search()", () => {
  const found: readonly (readonly [text: string, words: string])[] = [
    ["The server restarts at noon", "when does the server restart?"],
    ["Die Waschmaschine steht im Keller der Nachbarhäuser", "waschmaschinen"],
    ["Der Serverausfall dauert an", "Serveraus"],
    ["Für die Straße gilt Tempo 30", "STRASSE"],
    ["サーバーの設定方法を教えてください", "設定"],
    ["サーバーの設定方法を教えてください", "再起動の方法"],
    ["设置在右上角", "设置"],
    ["서버 설정을 바꿔야 합니다", "설정"],
    ["Wie setze ich Pi-hole kurz aus?", "pihole"],
    ["pihole hangs again", "Pi-hole"],
    ["use kube_proxy v1.2.3 with ERR_CONN_RESET", "kube_proxy"],
    ["use kube_proxy v1.2.3 with ERR_CONN_RESET", "1.2.3"],
    ["use kube_proxy v1.2.3 with ERR_CONN_RESET", "ERR_CONN_RESET"],
    ["call getUserById first", "getuserbyid"],
    ["Crème brûlée für alle", "creme brulee"],
    ["ｗｉｄｅ　ｌｅｔｔｅｒｓ", "wide letters"],
    ["🎉🎉 yes", "🎉"],
  ];
  for (const [text, words] of found) {
    it(`finds "${text}" by "${words}"`, async () => {
      const { hear, find } = build();
      await hear("something else entirely, about boats");
      const id = await hear(text);
      assert.deepEqual(await find(words), [id]);
    });
  }

  const odd = [
    '"',
    "* OR",
    "NEAR(a b)",
    "words: x",
    "-x",
    "'; DROP",
    "%",
    "\0",
    " ",
    "und der die",
  ];
  for (const words of odd) {
    it(`takes ${JSON.stringify(words)} for words, and fails never`, async () => {
      const { hear, find } = build();
      await hear("plain text about boats");
      assert.deepEqual(await find(words), []);
    });
  }

  it("has the best match first: all words, then rare words", async () => {
    const { hear, find } = build();
    const common = await hear("the harbour is closed");
    const both = await hear("the harbour closes when the tide is low");
    const rare = await hear("low tide today");
    await hear("harbour news");
    assert.deepEqual((await find("harbour tide low")).slice(0, 2), [both, rare]);
    assert.deepEqual((await find("harbour closed"))[0], common);
  });

  it("finds nothing in channels that the search does not name, also of their threads", async () => {
    const { hear, find } = build();
    await hear("shells at noon", { channelId: OTHER });
    assert.equal((await find("shells")).length, 1);
    assert.deepEqual(await find("shells", { among: new Set([HELP]) }), []);
    assert.deepEqual(await find("shells", { accountId: "second" as never }), []);
  });

  it("narrows by channel, person and time", async () => {
    const { hear, find } = build();
    const bob = userId("987654321098765432");
    const one = await hear("shells at noon");
    const two = await hear("shells at night", { sender: { ...sender(), id: bob } });
    assert.deepEqual(await find("shells", { authorId: bob }), [two]);
    assert.deepEqual(await find("shells", { before: two }), [one]);
    assert.deepEqual(await find("shells", { after: one }), [two]);
    assert.deepEqual(await find("shells", { channelId: OTHER }), []);
  });

  it("tells replies of other people", async () => {
    const { store, hear } = build();
    const question = await hear("where are the shells?");
    const quoted = { id: question, text: "" };
    await hear("thanks", { quoted });
    const bob = { ...sender(), id: userId("987654321098765432") };
    const answer = await hear("below the pier", { quoted, sender: bob });
    const { guild } = guildMessage().place as Extract<InboundMessage["place"], { kind: "guild" }>;
    const { hits } = await store.knowledge.search({
      ...{ accountId: ACCOUNT, guildId: guild.id, words: "where shells", limit: 5 },
      among: new Set([HELP]),
    });
    assert.deepEqual(hits.map(({ replies }) => replies), [[answer]]);
  });

  it("has questions to the bot, too, and no message of a channel without `knowledge`", async () => {
    const { store, messageOf, find } = build();
    const asked = messageOf("where is the lighthouse?");
    const private_ = messageOf("the lighthouse key is below the mat");
    await store.inbox.acceptBatch(
      batch({ judged: [{ ...accepted(asked), isSearchable: true }, ignored(private_, true)] }),
      NOW,
    );
    assert.deepEqual(await find("lighthouse"), [asked.id]);
  });
});

describe("[T17] a message that is gone", () => {
  it("is found no more, at once, and its words leave the index", async () => {
    const { store, hear, change, find, tendAll, database } = build();
    const id = await hear("a secret barnacle recipe");
    assert.deepEqual(await find("barnacle recipe"), [id]);
    await change([{ kind: "deleted", channelId: HELP, messageIds: [id] }]);
    assert.deepEqual(await find("barnacle recipe"), []);
    await tendAll();
    const left = database.prepare("SELECT COUNT(*) AS n FROM known_message").get()?.["n"];
    const words = database.prepare(
      "SELECT COUNT(*) AS n FROM known_words WHERE known_words MATCH 'recipe'",
    ).get()?.["n"];
    assert.deepEqual([left, words], [0, 0]);
    assert.equal(await store.knowledge.tend(), false);
  });

  it("is found by its new words after an edit", async () => {
    const { hear, change, find, messageOf } = build();
    const id = await hear("meet at the pier");
    assert.deepEqual(await find("pier"), [id]);
    const message = { ...messageOf("meet at the lighthouse", { id }), revision: 1 };
    const { verdict } = ignored(message, true);
    await change([{ kind: "edited", message, verdict, isSearchable: true }]);
    assert.deepEqual(await find("pier"), []);
    assert.deepEqual(await find("lighthouse"), [id]);
  });

  it("goes with its channel, with a request of the caller, and with its age", async () => {
    const { store, hear, find } = build();
    const here = await hear("shells here");
    const there = await hear("shells there", { channelId: OTHER });
    await store.knowledge.removeKnownChannels(ACCOUNT, [OTHER]);
    assert.deepEqual(await find("shells"), [here]);
    assert.deepEqual((await store.knowledge.knownChannels(ACCOUNT)).map((one) => one.channelId), [
      HELP,
    ]);
    await store.knowledge.removeKnown(ACCOUNT, [here, there]);
    assert.deepEqual(await find("shells"), []);
  });

  it("is not found whatever came before: batches, edits, deletions, steps (law)", async () => {
    const words = ["tide", "shell", "pier", "boat", "net"];
    const act = fc.record({
      what: fc.constantFrom("hear", "edit", "delete", "bulk", "channel", "step", "find"),
      word: fc.constantFrom(...words),
      which: fc.nat(20),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(act, { maxLength: 40 }), async (acts) => {
        const { store, hear, change, find, messageOf, database } = build();
        const there = new Map<MessageId, { word: string; channel: ChannelId }>();
        let revision = 0;
        for (const { what, word, which } of acts) {
          const id = [...there.keys()][which % Math.max(1, there.size)];
          if (what === "hear") {
            const channel = which % 2 === 0 ? HELP : OTHER;
            const fields = channel === OTHER ? { channelId: OTHER } : {};
            there.set(await hear(`some ${word} again`, fields), { word, channel });
          } else if (what === "step") await store.knowledge.tend();
          else if (what === "channel" && which === 0) {
            await store.knowledge.removeKnownChannels(ACCOUNT, [OTHER]);
            for (const [one, { channel }] of there) if (channel === OTHER) there.delete(one);
          } else if (id === undefined) continue;
          else if (what === "edit") {
            const channel = there.get(id)?.channel ?? HELP;
            const fields = channel === OTHER ? { id, channelId: OTHER } : { id };
            const message = { ...messageOf(`now ${word} here`, fields), revision: ++revision };
            const { verdict } = ignored(message, true);
            await change([{ kind: "edited", message, verdict, isSearchable: true }]);
            there.set(id, { word, channel });
          } else if (what === "delete") {
            await change([{ kind: "deleted", channelId: HELP, messageIds: [id] }]);
            there.delete(id);
          } else if (what === "bulk") {
            await change([{ kind: "deleted", channelId: HELP, messageIds: [...there.keys()] }]);
            there.clear();
          }
          for (const one of words) {
            const expected = [...there].filter(([, { word }]) => word === one).map(([id]) => id);
            assert.deepEqual((await find(one, { limit: 100 })).toSorted(), expected.toSorted());
          }
        }
        while (await store.knowledge.tend());
        const stored = database.prepare("SELECT COUNT(*) AS n FROM known_message").get()?.["n"];
        assert.equal(stored, there.size);
        for (const one of words) {
          const { n } = database.prepare(
            "SELECT COUNT(*) AS n FROM known_words WHERE known_words MATCH ?",
          ).get(`"${one}"`) ?? {};
          assert.equal(n, [...there.values()].filter(({ word }) => word === one).length, one);
        }
      }),
      { numRuns: 40 },
    );
  });
});

describe("[X5] forgetting a person", () => {
  it("leaves no word of theirs, and no message that names them, in the rows and the index", async () => {
    using directory = tempDirectory();
    const path = join(directory.path, "barnacle.db");
    const store = openStore(path, { now: NOW, elapsed: () => 0 });
    const ada = { ...sender(), id: userId("712345678901234567"), username: "ada_lovelace" };
    const bob = { ...sender(), id: userId("987654321098765432"), username: "bob" };
    const texts = [
      { sender: ada, text: "zanzibarquokka is the word" },
      { sender: bob, text: "ada_lovelace said xylophonewombat" },
      { sender: bob, text: "nothing about anyone, only harbours" },
    ];
    const judged = texts.map(({ sender, text }, at) => ({
      ...ignored(guildMessage({ id: idOf(at + 1), sender, text }), true),
      isSearchable: true as const,
    }));
    await store.inbox.acceptBatch(batch({ judged }), NOW);
    while (await store.knowledge.tend());
    await store.forgetting.forget(ada.id, false);
    await store.forgetting.vacuum();
    const { guild } = guildMessage().place as Extract<InboundMessage["place"], { kind: "guild" }>;
    const { hits } = await store.knowledge.search({
      ...{ accountId: ACCOUNT, guildId: guild.id, words: "harbours", limit: 5 },
      among: new Set([HELP]),
    });
    assert.equal(hits.length, 1);
    store.close();
    const bytes = readFileSync(path, "latin1");
    const left = ["zanzibarquokka", "ada_lovelace"].filter((word) => bytes.includes(word));
    assert.deepEqual(left, []);
    const database = new DatabaseSync(path, { readOnly: true });
    assert.deepEqual(
      database.prepare("SELECT text FROM known_message").all().map(({ text }) => text),
      ["nothing about anyone, only harbours"],
    );
    const { n } = database.prepare(
      "SELECT COUNT(*) AS n FROM known_words WHERE known_words MATCH 'xylophonewombat'",
    ).get() ?? {};
    assert.equal(n, 0);
    database.close();
  });
});

describe("[X6] the retention of known messages", () => {
  it("deletes the oldest by age and by number, with their words", async () => {
    using directory = tempDirectory();
    const path = join(directory.path, "barnacle.db");
    const later = (n: number) => messageId(String((BigInt(NOW + n) - 1_420_070_400_000n) << 22n));
    const store = openStore(path, {
      now: NOW,
      elapsed: () => 0,
      retention: {
        ...{ decisionsDays: 30, contextDays: 14, mediaDays: 7, contextPerChannel: 200 },
        ...{ knowledgeDays: 10, knowledgeMax: 2 },
      },
    });
    const judged = [-20 * DAY_MS, -3 * DAY_MS, -2 * DAY_MS, -DAY_MS].map((at) => ({
      ...ignored(guildMessage({ id: later(at), text: `shells ${-at / DAY_MS}` }), true),
      isSearchable: true as const,
    }));
    await store.inbox.acceptBatch(batch({ judged }), NOW);
    while (await store.knowledge.tend());
    for (let step = 0; step < 8; step++) await store.upkeep.prune(NOW);
    const { guild } = guildMessage().place as Extract<InboundMessage["place"], { kind: "guild" }>;
    const { hits } = await store.knowledge.search({
      ...{ accountId: ACCOUNT, guildId: guild.id, words: "shells", limit: 5 },
      among: new Set([HELP]),
    });
    assert.deepEqual(hits.map(({ text }) => text).toSorted(), ["shells 1", "shells 2"]);
    store.close();
  });
});
