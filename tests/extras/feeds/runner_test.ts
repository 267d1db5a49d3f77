import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { FeedEntry, FeedValidators, FetchedFeed } from "../../../src/core/feed.ts";
import { type ConfiguredFeed, createFeedRunner } from "../../../src/extras/feeds/runner.ts";
import { composeFeedNews, feedEvent } from "../../../src/extras/feeds/compose.ts";
import { ACCOUNT, channelId } from "../../support/discord/builders.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { recordingLog } from "../../support/recording_log.ts";
import { settle } from "../../support/settle.ts";
import { openTestStore } from "../../support/store/store.ts";

const MINUTE = 60_000;
const EVERY = 30 * MINUTE;
const CHANNEL = channelId("300000000000000001");
const FEED: ConfiguredFeed = {
  name: "tides",
  url: "https://t.example/feed",
  ownNetwork: false,
  everyMs: EVERY,
  most: 2,
  model: false,
};
const RULES = {
  chunks: { limit: 2_000, maxLines: 99, mode: "length" as const, maxChunks: 1 },
  tables: "code" as const,
  maxFileBytes: 0,
  cleanSecrets: (text: string) => text,
  texts: {},
};

const entry = (key: string): FeedEntry => ({
  key,
  wordsKey: `words ${key}`,
  areWordsEnough: false,
  sharesKey: false,
  title: `Entry ${key}`,
  summary: "",
});
const feed = (...keys: readonly string[]): FetchedFeed => ({
  kind: "feed",
  feed: { title: "Tides", entries: keys.map(entry) },
  etag: `"${keys.join()}"`,
});
const FAILED: FetchedFeed = { kind: "failed", reason: "the server answered with status 500" };

async function quiet(): Promise<void> {
  for (let turn = 0; turn < 30; turn++) await settle();
}

function build() {
  const clock = new FakeClock();
  const { store, rows, database } = openTestStore();
  const { log, lines } = recordingLog();
  const asked: FeedValidators[] = [];
  const world = {
    answer: feed("a"),
    feeds: [FEED] as readonly ConfiguredFeed[],
    wakes: 0,
    setBackMs: 0,
    refused: "",
  };
  const create = () =>
    createFeedRunner({
      accountId: ACCOUNT,
      store,
      events: { emit: { outbox: () => {} } },
      schedule: clock.schedule,
      now: () => clock.now() - world.setBackMs,
      random: () => 0.999_999_999,
      log,
    }, {
      feeds: () => world.feeds,
      readFeed: (_source, validators) => {
        asked.push(validators);
        return Promise.resolve(world.answer);
      },
      placeOf: () =>
        Promise.resolve(
          world.refused === ""
            ? { kind: "place", channelId: CHANNEL }
            : { kind: "refused", reason: world.refused },
        ),
      compose: (one, news, place) =>
        composeFeedNews(
          { ...one, ...place, accountId: ACCOUNT, template: "**{title}**" },
          news,
          RULES,
        ),
      eventOf: (one, news) =>
        feedEvent({ ...one, accountId: ACCOUNT, template: "**{title}**" }, news, {}),
      answerEvents: () => void world.wakes++,
    });
  const posted = () =>
    rows("SELECT message ->> '$.content' AS text FROM outbox ORDER BY id").map(({ text }) => text);
  /** Lets time pass until the next poll. */
  const pass = async (ms = EVERY) => {
    await clock.advance(ms);
    await quiet();
  };
  return { clock, store, rows, database, lines, asked, world, create, posted, pass };
}

describe("[T15] createFeedRunner() of a feed that an agent reads", () => {
  it("stores each new entry as an event once, and posts nothing itself", async () => {
    const { world, create, posted, pass, rows } = build();
    world.feeds = [{ ...FEED, model: true }];
    create().start();
    await pass();
    assert.deepEqual([rows("SELECT * FROM hook_event"), world.wakes], [[], 0]);
    world.answer = feed("a", "b", "c", "d");
    await pass();
    await pass();
    const events = rows("SELECT hook, text, post, run_id FROM hook_event ORDER BY id");
    assert.deepEqual(
      events,
      [
        ["feed: Tides\ntitle: Entry c", "**Entry c**"],
        ["feed: Tides\ntitle: Entry d", "**Entry d**"],
        ["1 further new entries are not listed.", "-# Tides: 1 more new entries."],
      ].map(([text, post]) => ({ hook: "feed:tides", text, post, run_id: null })),
    );
    assert.deepEqual([posted(), world.wakes], [[], 1]);
    assert.equal(rows("SELECT DISTINCT message_id FROM hook_event").length, 3);
    // An address that comes back knows its entries by the events.
    world.feeds = [{ ...FEED, model: true, url: "https://t.example/other" }];
    await pass();
    world.feeds = [{ ...FEED, model: true }];
    await pass();
    world.answer = feed("a", "b", "c", "d", "e");
    await pass();
    assert.equal(rows("SELECT 1 FROM hook_event").length, 4);
  });
});

describe("[T15] createFeedRunner()", () => {
  it("posts nothing at the first poll, and later each new entry once, over restarts", async () => {
    const { world, create, posted, pass, asked } = build();
    const first = create();
    first.start();
    await pass(5_000);
    assert.deepEqual(posted(), []);
    world.answer = feed("a", "b");
    await pass();
    assert.deepEqual(posted(), ["**Entry b**"]);
    await first.stop();
    const second = create();
    second.start();
    await pass();
    world.answer = { kind: "unchanged" };
    await pass();
    assert.deepEqual(posted(), ["**Entry b**"]);
    assert.deepEqual(asked.map(({ etag }) => etag), [undefined, '"a"', '"a,b"', '"a,b"']);
    await second.stop();
  });

  it("counts the entries of another address as old, and of a restored store", async () => {
    const { world, create, posted, pass, asked, database, clock } = build();
    const runner = create();
    runner.start();
    await pass(5_000);
    world.feeds = [{ ...FEED, url: "https://t.example/other" }];
    world.answer = feed("x");
    await pass();
    world.answer = feed("x", "y");
    await pass();
    assert.deepEqual(posted(), ["**Entry y**"]);
    assert.equal(asked[1]?.etag, undefined);
    database.prepare(
      "INSERT INTO setting (account_id, scope, name, value, at) VALUES ('', 'store', 'restored', '', ?)",
    ).run(clock.now());
    world.answer = feed("x", "y", "z");
    await pass();
    assert.deepEqual(posted(), ["**Entry y**"]);
    await runner.stop();
  });

  it("posts the newest entries of many, and tells the number of the others", async () => {
    const { world, create, posted, pass } = build();
    const runner = create();
    runner.start();
    await pass(5_000);
    world.answer = feed("a", "b", "c", "d", "e");
    await pass();
    assert.deepEqual(posted(), ["**Entry d**", "**Entry e**", "-# Tides: 2 more new entries."]);
    await runner.stop();
  });

  for (const model of [false, true]) {
    it(`keeps entries until the bot may write in the place, ${model ? "" : "not "}by a model`, async () => {
      const { world, create, posted, pass, rows, store } = build();
      world.feeds = [{ ...FEED, model }];
      world.refused = "#ideas is a forum";
      create().start();
      await pass(5_000);
      assert.equal((await store.feeds.list(ACCOUNT))[0]?.problem, "#ideas is a forum");
      world.refused = "";
      await pass(EVERY);
      world.refused = "Send Messages is missing";
      world.answer = feed("a", "b");
      await pass(EVERY);
      assert.equal((await store.feeds.list(ACCOUNT))[0]?.problem, "Send Messages is missing");
      world.refused = "";
      await pass(EVERY);
      const events = rows("SELECT post FROM hook_event").map(({ post }) => post);
      assert.deepEqual([posted(), events], model ? [[], ["**Entry b**"]] : [["**Entry b**"], []]);
    });
  }

  it("posts no older entry that moves up because newer ones have disappeared", async () => {
    const { world, create, posted, pass } = build();
    world.answer = {
      kind: "feed",
      feed: { entries: ["b", "c"].map(entry), olderKeys: ["a"] },
    };
    create().start();
    await pass(5_000);
    world.answer = feed("a", "b", "d");
    await pass();
    assert.deepEqual(posted(), ["**Entry d**"]);
  });

  it("knows entries again whose feed gives them another id at each poll", async () => {
    const { world, create, posted, pass } = build();
    const poll = (id: string, ...words: readonly string[]): FetchedFeed => ({
      kind: "feed",
      feed: {
        entries: words.map((word) => ({
          ...entry(`${word}-${id}`),
          wordsKey: `words ${word}`,
          areWordsEnough: true,
        })),
      },
    });
    world.answer = poll("1", "a");
    create().start();
    await pass(5_000);
    world.answer = poll("2", "a", "b");
    await pass();
    world.answer = poll("3", "a", "b");
    await pass();
    assert.deepEqual(posted(), ["**Entry b-2**"]);
  });

  it("posts each entry of a feed that gives all of them one id, once", async () => {
    const { world, create, posted, pass } = build();
    const poll = (...words: readonly string[]): FetchedFeed => ({
      kind: "feed",
      feed: {
        entries: words.map((word) => ({
          ...entry(word),
          key: "one",
          sharesKey: words.length > 1,
        })),
      },
    });
    world.answer = poll("a");
    create().start();
    await pass(5_000);
    const polls: readonly (readonly [words: readonly string[], posted: readonly string[]])[] = [
      [["a", "b"], ["b"]],
      [["a", "b"], []],
      [["b", "c", "d"], ["c", "d"]],
      [["e"], ["e"]], // alone, and known to share its id
      [["e"], []],
      [["d", "e"], []],
    ];
    const all: string[] = [];
    for (const [words, news] of polls) {
      world.answer = poll(...words);
      await pass();
      all.push(...news.map((word) => `**Entry ${word}**`));
      assert.deepEqual(posted(), all);
    }
  });

  it("asks a feed that fails less often, tells health, and forgets the failure", async () => {
    const { world, create, pass, asked, store } = build();
    world.answer = FAILED;
    const runner = create();
    runner.start();
    await pass(5_000);
    await pass(EVERY);
    assert.equal(asked.length, 2);
    await pass(EVERY);
    assert.equal(asked.length, 2);
    await pass(EVERY);
    assert.equal(asked.length, 3);
    assert.deepEqual(runner.findings().map(({ why }) => why), [
      "the feed tides failed 3 times: the server answered with status 500",
    ]);
    world.answer = feed("a");
    await pass(4 * EVERY);
    assert.deepEqual(runner.findings(), []);
    assert.equal((await store.feeds.list(ACCOUNT))[0]?.failures, 0);
    await runner.stop();
  });

  it("waits as long as the server asks", async () => {
    const { world, create, pass, asked } = build();
    world.answer = { ...FAILED, retryAfterMs: 3 * EVERY };
    const runner = create();
    runner.start();
    await pass(5_000);
    await pass(2 * EVERY);
    assert.equal(asked.length, 1);
    await pass(EVERY);
    assert.equal(asked.length, 2);
    await runner.stop();
  });
});
