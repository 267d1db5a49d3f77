/**
 * Tests a message that Discord refuses, in a channel where the bot may post. Barnacle sets it aside
 * and delivers the next answers.
 */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { startBadRest } from "../../support/discord/bad_rest.ts";
import { withSimulation } from "../../support/bot/e2e.ts";
import { sharedBot } from "../../support/bot/shared_bot.ts";

const REFUSAL = JSON.stringify({ message: "Missing Permissions", code: 50013 });
const BLOCKED = JSON.stringify({ message: "Message was blocked by AutoMod", code: 200_000 });

function contentOf(body: string): string {
  const { content }: { readonly content?: string } = JSON.parse(body);
  return content ?? "";
}

describe("[D5] a message that Discord refuses for itself, or for its words", () => {
  it("is tried once, and set aside with its reason; it delays no later answer, and the asker gets one word", () =>
    withSimulation(
      { discord: () => ({ retry: { minDelayMs: 20, maxDelayMs: 200 } }) },
      async (scene) => {
        const { simulator, start, say, mention, replies, command, dataDir, written, until } = scene;
        await using bad = await startBadRest(simulator.apiUrl);
        await start({ DISCORD_API_URL: bad.url });
        let posts = 0;
        const refuse = (where: string, words: RegExp, reason: string) =>
          bad.spoil(String(simulator.channel(where).id), async (outgoing, { ask, body }) => {
            // A nonce is random base64url and may contain "q1".
            const isRefused = words.test(contentOf(body));
            if (isRefused) posts++;
            const { status, headers, body: answer } = isRefused
              ? { status: 403, headers: { "content-type": "application/json" }, body: reason }
              : await ask();
            outgoing.writeHead(status, headers).end(answer);
          });
        const listed = async () => (await command(["outbox", "--data", dataDir])).stdout.join("\n");
        refuse("general", /q1/, REFUSAL);
        for (const text of ["q1.", "q2.", "q3."]) say("grace", "general", `${mention} ${text}`);
        const texts = await replies("general", 2);
        assert.deepEqual(texts.map((text) => /q\d/.exec(text)?.[0]), ["q2", "q3"]);
        assert.match(
          await listed(),
          /dead .*\(.*Missing Permissions \(50013\); the bot lacks no permission there\)/,
        );
        const words = (where: string) =>
          written(where).filter((text) => /doesn't take a part of my answer/.test(text)).length;
        await until("a word in the place", () => words("general") > 0);

        posts = 0;
        refuse("help", /q[123]/, BLOCKED);
        for (const text of ["q1.", "q2.", "q3.", "fine."]) {
          say("grace", "help", `${mention} ${text}`);
        }
        assert.match((await replies("help", 1))[0] ?? "", /fine/);
        assert.equal(posts, 3, "each once");
        assert.equal((await listed()).match(/dead .*AutoMod has blocked the text\)/g)?.length, 3);
        await until("a word for each", () => words("help") >= 3);
        assert.deepEqual([words("general"), words("help")], [1, 3]);
        assert.deepEqual(written("dm", "ada"), [], "owners are the last door");
      },
    ));
});

describe("[D5] a message that gets server errors", () => {
  const play = sharedBot({});

  it("has a reason in the log, in `outbox`, in `status` and in `why`", () =>
    play(async (scene, bot) => {
      const { simulator, say, mention, replies, line, command, dataDir, here } = scene;
      const fault = { kind: "status", status: 502 } as const;
      const route = "/channels/:id/messages";
      const broken = simulator.faults.rest.add({ method: "POST", route, fault });
      const asked = say("grace", here, `${mention} q1.`);
      await line(bot, /A message waits, because it could not be delivered/);
      await line(bot, /"Barnacle is running"/); // it answers before it listens
      const shown = async (...args: readonly string[]) =>
        (await command([...args, "--data", dataDir])).stdout.join("\n");
      assert.match(await shown("outbox"), /sending .*\(POST .* failed with 502.*; next attempt /);
      assert.match(
        await shown("status"),
        /Delivery .*message 1: .* failed with 502.*; next /,
      );
      assert.match(await shown("why", String(asked.id)), /failed with 502.*; next attempt 20/);
      broken.remove();
      await replies(here, 1);
    }, { mayRefuse: ({ status }) => status === 502 }));

  describe("[T3] a text of the tool `discord` that Discord refuses", () => {
    it("is no success for the model, which gets the reason", () =>
      play(async (scene) => {
        const { simulator, say, mention, replies, written, until, here } = scene;
        const channelId = String(simulator.channel("help").id);
        const cases = [
          { status: 403, code: 200_000, reason: /AutoMod has blocked the text/ },
          { status: 400, code: 50_035, reason: /50035|Invalid Form Body/ },
        ];
        for (const [at, { status, code, reason }] of cases.entries()) {
          const fault = { kind: "status", status, code } as const;
          const path = `/channels/${channelId}/messages`; // owners get words elsewhere meanwhile
          const refusing = simulator.faults.rest.add({ method: "POST", path, times: 1, fault });
          const call = JSON.stringify({ action: "sendMessage", channelId, text: "blocked words" });
          say("grace", here, `${mention}\ncall: discord ${call}`);
          const told = (await replies(here, at + 1)).at(-1) ?? "";
          refusing.remove();
          // The notice to owners comes seconds later, and must not meet the next fault.
          await until(
            "a notice",
            () => written("dm", "ada").some((one) => /gave up for/.test(one)),
          );
          assert.match(told, /Discord does not take the message/);
          assert.match(told, reason);
          assert.doesNotMatch(told, /delivered later/);
        }
        assert.deepEqual(simulator.posted("help"), []);
      }, {
        mayRefuse: ({ status }) => status === 400 || status === 403,
        config: { commands: { ownerAllowFrom: ["ada"] } },
      }));
  });
});
