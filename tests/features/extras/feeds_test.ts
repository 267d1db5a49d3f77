/** Tests feeds of the web as people on Discord see them, through crashes (T15); the long form has all points. */

import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, it } from "node:test";
import { addChannel } from "../../../simulator/world/create_world.ts";
import { ended, KILLED, type Scene, withSimulation } from "../../support/bot/e2e.ts";
import { IS_LONG } from "../../support/long_form.ts";

/** A feed on this machine, and a scene whose bot polls it. */
interface FeedScene extends Scene {
  /** Its keys in the config, apart from the place. */
  readonly feed: object;
  /** Replaces the titles of the feed's entries. */
  show(...titles: readonly string[]): void;
  /** Asks for a poll, and waits until the bot has made it. */
  poll(): Promise<void>;
}

async function withFeed(play: (scene: FeedScene) => Promise<void>, keys: object = {}) {
  let titles: readonly string[] = ["old"];
  const server = createServer((_request, response) => {
    const items = titles.map((one) =>
      `<item><guid isPermaLink="false">${one}</guid><title>${one}</title>
         <link>https://news.example/${one}</link></item>`
    );
    response.writeHead(200, { "content-type": "application/rss+xml" });
    response.end(
      `<rss version="2.0"><channel><title>News</title>${items.join("")}</channel></rss>`,
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const feed = { url: `http://127.0.0.1:${port}/`, ownNetwork: true, model: false };
  let to = "";
  try {
    await withSimulation({
      discord({ world }) {
        const general = [...world.channels.values()].find(({ name }) => name === "general");
        to = `channel:${general?.id}`;
        return {};
      },
      config: {
        get feeds() { // after `discord`
          return { news: { ...feed, to, ...keys } };
        },
      },
    }, (scene) =>
      play({
        ...scene,
        feed,
        show: (...next) => void (titles = next),
        async poll() {
          const readAt = () => Number(scene.rows("SELECT read_at FROM feed")[0]?.["read_at"] ?? 0);
          const before = readAt();
          assert.equal((await scene.cli("feeds", "poll", "news")).code, 0);
          await scene.eventually("a poll", () => Promise.resolve(readAt() > before));
        },
      }));
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

describe("[T15] a feed", () => {
  it("posts nothing old, and each new entry once, also after a restart", () =>
    withFeed(async ({ start, show, poll, replies, written, cli, ...scene }) => {
      const bot = await start();
      await poll();
      const { stdout: [line = ""] } = await cli("feeds", "list");
      assert.match(line, /^news +read 20\d\d-.* +channel:\d+ +http:/);
      show("new", "old");
      await poll();
      assert.deepEqual(await replies("general", 1), ["**new**\nhttps://news.example/new"]);
      bot.kill("SIGTERM");
      await ended(bot);
      await start();
      show("newer", "new", "old");
      await poll();
      assert.deepEqual((await replies("general", 2)).slice(1), [
        "**newer**\nhttps://news.example/newer",
      ]);
      await poll();
      scene.say("grace", "general", `${scene.mention} hello`);
      await replies("general", 3);
      assert.equal(written("general").length, 3);
    }));

  for (const point of ["after:T4", ...(IS_LONG ? ["before:T4", "before:T5"] : [])]) {
    it(`is posted once if the bot is killed ${point}`, () =>
      withFeed(async ({ start, show, poll, cli, replies, written, say, mention }) => {
        const dying = await start({ BARNACLE_CRASH_AT: point });
        await poll();
        show("new", "old");
        await cli("feeds", "poll", "news");
        assert.deepEqual(await ended(dying), KILLED);
        await start();
        await replies("general", 1);
        say("grace", "general", `${mention} hello`);
        await replies("general", 2);
        assert.equal(written("general").filter((text) => text.startsWith("**new**")).length, 1);
      }));
  }
});

describe("[T15] a feed that an agent reads", () => {
  const READ = { model: true, prompt: "say what is new", perMinute: 60 };

  it("is answered by a turn for new entries, with the rules of a hook's events", () =>
    withFeed(async ({ start, show, poll, replies, cli, rows, ...scene }) => {
      const bot = await start();
      await poll();
      show("fresh @everyone", "old");
      await poll();
      const [answer = ""] = await replies("general", 1);
      assert.match(answer, /what your operator wants: say what is new/);
      assert.match(answer, /an event of the feed "news"/);
      assert.match(answer, /title: fresh/);
      const [row] = rows("SELECT message_id FROM hook_event");
      const why = (await cli("why", String(row?.["message_id"]))).stdout.join("\n");
      assert.match(why, /Event \d+ of the feed "news"/);
      assert.match(why, /feeds\.news/);
      assert.ok(!bot.lines.some((line) => line.includes("Listening for hooks")));
      await poll();
      scene.say("grace", "general", `${scene.mention} hello`);
      assert.equal((await replies("general", 2)).length, 2);
    }, READ));

  it("is posted by its template once its budget is spent", () =>
    withFeed(async ({ start, show, poll, replies, line }) => {
      const bot = await start();
      await poll();
      show("new", "old");
      await poll();
      assert.deepEqual(await replies("general", 1), ["**new**\nhttps://news.example/new"]);
      assert.match(
        await line(bot, /"Events of a hook are posted without a model"/),
        /feeds\.news\.tokensPerDay/,
      );
    }, { ...READ, tokensPerDay: 0 }));

  const later = ["before:T3", "before:T4", "after:T4", "before:T5"];
  for (const point of ["after:T2", "after:T3", ...(IS_LONG ? later : [])]) {
    it(`is answered once if the bot is killed ${point}`, () =>
      withFeed(async ({ start, show, poll, cli, replies, written, say, mention }) => {
        const dying = await start({ BARNACLE_CRASH_AT: point });
        await poll();
        show("new", "old");
        await cli("feeds", "poll", "news");
        assert.deepEqual(await ended(dying), KILLED);
        await start();
        await replies("general", 1);
        await poll();
        say("grace", "general", `${mention} hello`);
        await replies("general", 2);
        assert.equal(written("general").filter((text) => /the feed "news"/.test(text)).length, 1);
      }, READ));
  }
});

describe("[T15] barnacle feeds", () => {
  it("tells why a feed cannot be polled, or cannot write in its place", () =>
    withFeed(async ({ simulator, start, cli, until, rewrite, feed }) => {
      const { world } = simulator;
      const [krill] = world.guilds.values();
      assert.ok(krill);
      const { id } = addChannel(world, krill, { name: "ideas", kind: "forum" }, Date.now());
      const to = `channel:${id}`;
      const far = { ...feed, to, url: "http://127.0.0.1/feed", ownNetwork: false };
      rewrite({
        config: { feeds: { plain: { ...feed, to }, agent: { ...feed, to, model: true }, far } },
      });
      const bot = await start();
      const failed = () => bot.lines.filter((line) => line.includes("Cannot read or post a feed"));
      await until("three failures", () => failed().length === 3);
      const listed = (await cli("feeds", "list")).stdout.join("\n");
      const isForum = /failed 1 times: #ideas is a forum: name a text channel/g;
      assert.equal(listed.match(isForum)?.length, 2, listed);
      assert.match(listed, /failed 1 times: .* is not on the public internet/);
      const doctor = await cli("doctor", "--only", "discord");
      for (const name of ["plain", "agent"]) {
        assert.match(
          doctor.stdout.join(" ").replace(/\s+/g, " "),
          new RegExp(
            `the feed "${name}" cannot write in #ideas: it is a forum.*name a text channel`,
          ),
        );
      }
      const unknown = await cli("feeds", "poll", "other");
      assert.equal(unknown.code, 1);
      assert.match(
        unknown.stderr.join("\n"),
        /the config has no feed "other"; `barnacle feeds list`/,
      );
    }));
});
