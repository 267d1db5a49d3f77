/**
 * Tests `streaming: "edit"`: an answer is visible while it grows, and ends as it would without
 * streaming.
 */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { killBot, type Scene, withSimulation } from "../../support/bot/e2e.ts";
import { sharedBot } from "../../support/bot/shared_bot.ts";
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

/** Pieces after which a draft is due, and those of the end. */
const FIRST_PIECES = 5;
const LAST_PIECES = 5;

/** The answer in small pieces, as models send it. However slow the bot is, it sees no whole answer. */
function growingAnswer() {
  const [shown, maySayEnd] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  return {
    async *pieces(): AsyncGenerator<string> {
      const pieces = ANSWER.match(/[\s\S]{1,18}/g) ?? [];
      for (const [at, piece] of pieces.entries()) {
        if (at === FIRST_PIECES) await shown.promise;
        if (at === pieces.length - LAST_PIECES) await maySayEnd.promise;
        yield piece;
        await sleep(PIECE_EVERY_MS);
      }
    },
    /** A person sees the draft. */
    shown: shown.resolve,
    maySayEnd: maySayEnd.resolve,
  };
}

const discord = (streaming: "off" | "edit") => () => ({
  streaming,
  textChunkLimit: CHUNK,
  replyToMode: "first",
});

/** The final texts of the bot's messages in the channel, and their quotes. */
function standing({ simulator, here }: Scene) {
  return simulator.posted(here).map(({ content, reference, attachments }) => ({
    content,
    isQuote: reference !== undefined,
    files: attachments.length,
  }));
}

const hasEnded = (scene: Scene) =>
  scene.written(scene.here).some((content) => content.includes("Whales"));

/** Records each text that is visible in the channel. */
function watch({ simulator, here }: Scene): readonly string[] {
  const seen: string[] = [];
  const { id } = simulator.channel(here);
  simulator.subscribe((event) => {
    if (event.kind !== "message_created" && event.kind !== "message_updated") return;
    const { author, channelId, content } = event.message;
    if (author.kind !== "user" || author.userId !== simulator.application.userId) return;
    if (channelId === id) seen.push(content);
  });
  return seen;
}

describe("[R8] streaming", () => {
  const play = sharedBot({});
  let result: ReturnType<typeof standing> | undefined;

  /** The result without streaming. */
  async function withoutStreaming(): Promise<ReturnType<typeof standing>> {
    if (result) return result;
    await using model = await startFixedModel(() => ANSWER);
    let texts: ReturnType<typeof standing> = [];
    await play(async (scene) => {
      scene.say("grace", scene.here, `${scene.mention} krill?`);
      await scene.until("the end", () => hasEnded(scene));
      texts = standing(scene);
    }, { discord: discord("off"), config: model.config });
    assert.ok(texts.length > 3);
    return result = texts;
  }

  it("shows a growing draft, with the same result as off", async () => {
    const expected = await withoutStreaming();
    const { pieces, shown, maySayEnd } = growingAnswer();
    await using model = await startFixedModel(pieces);
    await play(async (scene) => {
      const seen = watch(scene);
      scene.say("grace", scene.here, `${scene.mention} krill?`);
      await scene.until("a draft", () => seen.length > 0);
      shown();
      assert.ok(!hasEnded(scene));
      maySayEnd();
      await scene.until("the end", () => same(standing(scene), expected)).catch(() => {}); // checked below
      await sleep(AFTERWARDS_MS);
      assert.deepEqual(standing(scene), expected);
      assert.ok(seen.length > expected.length, "nothing has grown");
      for (const content of seen) {
        assert.ok(content.length <= CHUNK);
        assert.doesNotMatch(content, /reply_to|(?<!<)https:/); // neither a tag nor a link with a preview
        assert.equal((content.match(/^```/gm) ?? []).length % 2, 0, content);
      }
    }, { discord: discord("edit"), config: model.config });
  });

  it("[D2] continues its draft after kill -9, with the same result as off", async () => {
    const expected = await withoutStreaming();
    await withSimulation({ discord: discord("edit") }, async (scene) => {
      const { pieces, shown, maySayEnd } = growingAnswer();
      await using model = await startFixedModel(pieces);
      const env = { OPENAI_BASE_URL: model.baseUrl };
      const dying = await scene.start(env);
      const seen = watch(scene);
      scene.say("grace", "general", `${scene.mention} krill?`);
      await scene.until("a draft", () => seen.length > 0);
      shown();
      await scene.until("a draft that has grown", () => seen.length >= 2);
      await killBot(dying);
      maySayEnd();
      assert.ok(!hasEnded(scene));
      scene.startBot(env);
      await scene.until("the end", () => same(standing(scene), expected)).catch(() => {}); // checked below
      await sleep(AFTERWARDS_MS);
      assert.deepEqual(standing(scene), expected);
    });
  });
});

function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
