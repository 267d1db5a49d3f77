/**
 * Tests `streaming: "edit"`: an answer is visible while it grows, and ends as it would without
 * streaming.
 */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { ended, KILLED, type Scene, withSimulation } from "../../support/bot/e2e.ts";
import { startFixedModel } from "../../support/model/fixed_model.ts";

const CHUNK = 200;
/** An answer of several messages, with a split fence and a hidden tag. */
const ANSWER = [
  "[[reply_to_current]] Krill are small, and there are very many of them.",
  "",
  "```ts",
  ...Array.from({ length: 12 }, (_, line) => `swim(${line}, "through the cold and salty water");`),
  "```",
  "",
  "Whales *like* krill. See https://example.org/krill?who=whale for more of it.",
].join("\n");
const PIECE_EVERY_MS = 90;
/** Milliseconds to wait for an unwanted message. */
const AFTERWARDS_MS = 500;

/** The answer in small pieces, as models send it. */
async function* slowly(): AsyncGenerator<string> {
  for (const piece of ANSWER.match(/[\s\S]{1,18}/g) ?? []) {
    yield piece;
    await sleep(PIECE_EVERY_MS);
  }
}

const discord = (streaming: "off" | "edit") => () => ({
  streaming,
  textChunkLimit: CHUNK,
  replyToMode: "first",
});

/** The final texts of the bot's messages in the channel, and their quotes. */
function standing({ simulator }: Scene) {
  return simulator.posted("general").map(({ content, reference, attachments }) => ({
    content,
    isQuote: reference !== undefined,
    files: attachments.length,
  }));
}

/** The result without streaming. */
async function withoutStreaming(): Promise<ReturnType<typeof standing>> {
  let texts: ReturnType<typeof standing> = [];
  await withSimulation({ discord: discord("off") }, async (scene) => {
    await using model = await startFixedModel(() => ANSWER);
    await scene.start({ OPENAI_BASE_URL: model.baseUrl });
    scene.say("grace", "general", `${scene.mention} krill?`);
    await scene.until("the end", () => hasEnded(scene));
    texts = standing(scene);
  });
  assert.ok(texts.length > 3);
  return texts;
}

const hasEnded = (scene: Scene) =>
  scene.written("general").some((content) => content.includes("Whales"));

/** Records each text that is visible in the channel. */
function watch({ simulator }: Scene): readonly string[] {
  const seen: string[] = [];
  const { id } = simulator.channel("general");
  simulator.subscribe((event) => {
    if (event.kind !== "message_created" && event.kind !== "message_updated") return;
    const { author, channelId, content } = event.message;
    if (author.kind !== "user" || author.userId !== simulator.application.userId) return;
    if (channelId === id) seen.push(content);
  });
  return seen;
}

describe("[R8] streaming", () => {
  it("shows a growing draft, with the same result as off", async () => {
    const expected = await withoutStreaming();
    await withSimulation({ discord: discord("edit") }, async (scene) => {
      await using model = await startFixedModel(slowly);
      await scene.start({ OPENAI_BASE_URL: model.baseUrl });
      const seen = watch(scene);
      scene.say("grace", "general", `${scene.mention} krill?`);
      await scene.until("a draft", () => seen.length > 0);
      assert.ok(!hasEnded(scene));
      await scene.until("the end", () => same(standing(scene), expected)).catch(() => {}); // checked below
      await sleep(AFTERWARDS_MS);
      assert.deepEqual(standing(scene), expected);
      assert.ok(seen.length > expected.length, "nothing has grown");
      for (const content of seen) {
        assert.ok(content.length <= CHUNK);
        assert.doesNotMatch(content, /reply_to|krill\?who/); // neither a tag nor a link's query
        assert.equal((content.match(/^```/gm) ?? []).length % 2, 0, content);
      }
    });
  });

  it("[D2] continues its draft after kill -9, with the same result as off", async () => {
    const expected = await withoutStreaming();
    await withSimulation({ discord: discord("edit") }, async (scene) => {
      await using model = await startFixedModel(slowly);
      const env = { OPENAI_BASE_URL: model.baseUrl };
      const dying = await scene.start(env);
      const seen = watch(scene);
      scene.say("grace", "general", `${scene.mention} krill?`);
      await scene.until("a draft that has grown", () => seen.length >= 2);
      dying.kill("SIGKILL");
      assert.deepEqual(await ended(dying), KILLED);
      assert.ok(!hasEnded(scene));
      scene.startBot(env);
      await scene.until("the end", () => same(standing(scene), expected)).catch(() => {}); // checked below
      await sleep(AFTERWARDS_MS);
      assert.deepEqual(standing(scene), expected);
    });
  });

  it("removes the draft if the turn fails, and reports the failure once", () =>
    withSimulation({ discord: discord("edit") }, async (scene) => {
      await using model = await startFixedModel(async function* () {
        yield "Krill are small, and there are very many of them. ";
        await sleep(2_000);
        throw new Error("the model trips");
      });
      await scene.start({ OPENAI_BASE_URL: model.baseUrl });
      const seen = watch(scene);
      scene.say("grace", "general", `${scene.mention} krill?`);
      await scene.until("a draft", () => seen.some((content) => content.includes("Krill")));
      await scene.until("the failure", () => {
        const [said, ...more] = scene.written("general");
        return said?.includes("Error ID") && more.length === 0;
      });
    }));
});

function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
