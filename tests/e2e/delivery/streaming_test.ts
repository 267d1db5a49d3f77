/** Tests what people see of answers that a killed process has begun. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { killBot, type Scene } from "../../support/bot/e2e.ts";
import { ownBot, type Stage } from "../../support/bot/shared_bot.ts";
import { type Said, startFixedModel } from "../../support/model/fixed_model.ts";

const PEOPLE = ["grace", "mallory", "ada"] as const;
const QUESTIONS = ["first tide", "second tide", "third tide"] as const;
type Question = (typeof QUESTIONS)[number];

/** Answers each question once the test says so, and each other one at once. */
function createAnswers() {
  const answers = new Map<Question, PromiseWithResolvers<void>>(
    QUESTIONS.map((question) => [question, Promise.withResolvers<void>()]),
  );
  return {
    release: (question: Question) => answers.get(question)?.resolve(),
    answer(asked: string): Said {
      const words = asked.slice(asked.lastIndexOf("[from:"));
      const question = QUESTIONS.find((one) => words.includes(one));
      if (!question) return "at once";
      return inPieces(`the answer to the ${question}`, answers.get(question)?.promise);
    },
  };
}

/** Most of the answer, which is long enough for a draft, and its end once that may come. */
async function* inPieces(answer: string, released: Promise<void> | undefined) {
  yield `${"krill ".repeat(20)}\n\n`;
  await released;
  yield answer;
}

/** Plays with all three questions asked, and the model at work on each. */
async function withQuestions(
  stage: Stage,
  options: Parameters<Stage>[1],
  play: (
    scene: Scene,
    model: {
      readonly release: (question: Question) => void;
      readonly texts: () => readonly string[];
      readonly asked: readonly { readonly id: string }[];
      readonly restart: () => Promise<void>;
    },
  ) => Promise<void>,
): Promise<void> {
  const { release, answer } = createAnswers();
  await using model = await startFixedModel(answer);
  await stage(async (scene, first) => {
    let bot = first;
    scene.simulator.invite({ who: "mallory" });
    const asked = PEOPLE.map((person, at) =>
      scene.say(person, scene.here, `${scene.mention} ${QUESTIONS[at]}`)
    );
    await scene.until("all three at the model", () => model.requests.length === 3);
    await play(scene, {
      release,
      asked,
      texts: () =>
        model.requests.map(({ messages }) => messages.map(({ text }) => text).join("\n")),
      async restart() {
        await killBot(bot);
        bot = await scene.start();
      },
    });
  }, { ...options, config: { ...options.config, ...model.config } });
}

/** Waits until a later question elsewhere is answered. */
async function answeredElsewhere({ say, mention, replies }: Scene): Promise<void> {
  say("ada", "off-topic", `${mention} how are you?`);
  await replies("off-topic", 1);
}

const ends = (texts: readonly string[]) => texts.map((text) => text.split("\n\n").at(-1));
const ANSWERS = QUESTIONS.map((question) => `the answer to the ${question}`);

describe("[S5] three people in one channel", () => {
  for (const ready of [[], ["second tide"]] as const) {
    it(`[D2] are answered once and in order after kill -9, with ${ready.length} ready`, () =>
      withQuestions(ownBot({}), {}, async (scene, { release, restart, texts }) => {
        const { replies } = scene;
        for (const question of ready) release(question);
        await answeredElsewhere(scene);
        const before = texts().length;
        await restart();
        await scene.until("all three again", () => texts().length === before + 3);
        for (const question of QUESTIONS.toReversed()) release(question);
        assert.deepEqual(ends(await replies(scene.here, 3)), ANSWERS);
        await answeredLast(scene);
        assert.equal(scene.written(scene.here).length, 4);
      }));
  }
});

/** A second answer would come before that to a later question. */
async function answeredLast({ say, mention, replies, here }: Scene): Promise<void> {
  say("grace", here, `${mention} and now?`);
  const texts = await replies(here, 4);
  assert.equal(texts.at(-1), "at once");
}
