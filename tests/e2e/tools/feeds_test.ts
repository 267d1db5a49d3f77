/** Tests feeds of the web as people on Discord see them, through crashes (T15). */

import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, it } from "node:test";
import { ended, KILLED, type Scene, withSimulation } from "../../support/bot/e2e.ts";

/** A feed on this machine, and a scene whose bot polls it. */
interface FeedScene extends Scene {
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

  for (const point of ["before:T4", "after:T4", "before:T5"]) {
    it(`is posted once if the bot is killed ${point}`, () =>
      withFeed(async ({ start, show, poll, replies, written, say, mention }) => {
        const first = await start();
        await poll();
        first.kill("SIGTERM");
        await ended(first);
        show("new", "old");
        const dying = await start({ BARNACLE_CRASH_AT: point });
        await poll();
        assert.deepEqual(await ended(dying), KILLED);
        await start();
        await replies("general", 1);
        say("grace", "general", `${mention} hello`);
        await replies("general", 2);
        assert.equal(written("general").filter((text) => text.startsWith("**new**")).length, 1);
      }));
  }
});

describe("[T15] barnacle feeds", () => {
  it("names a feed that the config does not have, and the reason of a failed poll", () =>
    withFeed(async ({ start, cli, eventually }) => {
      await start();
      const unknown = await cli("feeds", "poll", "other");
      assert.equal(unknown.code, 1);
      assert.match(
        unknown.stderr.join("\n"),
        /the config has no feed "other"; `barnacle feeds list`/,
      );
      await eventually("a failed poll", async () => {
        const { stdout } = await cli("feeds", "list");
        return /failed 1 times: .* is not on the public internet/.test(stdout.join("\n"));
      });
    }, { url: "http://127.0.0.1/feed", ownNetwork: false }));
});
