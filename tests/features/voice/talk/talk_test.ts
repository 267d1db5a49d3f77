import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { BudgetSpent } from "../../../../src/core/spending/budget.ts";
import { FileError } from "../../../../src/core/turn/media.ts";
import type { HeardPiece } from "../../../../src/features/voice/line.ts";
import { openTalk } from "../../../../src/features/voice/talk.ts";
import { testAccount } from "../../../support/bot/test_account.ts";
import { guildMessage, userId } from "../../../support/discord/builders.ts";
import { readWav } from "../../../support/voice/recordings.ts";
import { fakeCall } from "./fake_call.ts";

const ADA = userId("101");
const BEN = userId("102");
const SECOND = 24_000;

interface World {
  humans: number;
  /** What transcription answers: words, or a failure. */
  words: string | Error;
  /** Sentences that fail. */
  mute: boolean;
  playedMs: number;
  /** Whether no speech is played, as after the end of the call. */
  isMuted: boolean;
  /** The sound of a text ends then. */
  rest?: Promise<void>;
}

async function build(given: Partial<World> = {}) {
  const world: World = {
    ...{ humans: 1, words: "what is the tide", mute: false, playedMs: 0, isMuted: false },
    ...given,
  };
  const fake = fakeCall(world.playedMs, () => world.isMuted);
  const said: string[] = [];
  const transcribing: (() => void)[] = [];
  const { account, clock, rows, posted, requests, quiet } = await testAccount({
    discord: { groupPolicy: "open" },
    beside: { voice: { transcript: true, names: ["Barnacle"] } },
    answer: ({ path }) => path.endsWith("/threads") ? { id: "301" } : undefined,
    speech: {
      transcription: {
        ...{ modelId: "speech/ear", maxSec: 60 },
        async transcribe({ bytes }) {
          assert.equal(readWav(bytes)?.length, 2 * SECOND);
          if (world.words === "") await new Promise<void>((go) => transcribing.push(go));
          if (world.words instanceof Error) throw world.words;
          return world.words || "late words";
        },
      },
      voice: {
        modelId: "speech/mouth",
        speak: () => assert.fail("no file is spoken"),
        async *speakPcm(text, signal) {
          await Promise.resolve();
          signal.throwIfAborted();
          if (world.mute) throw new FileError("the speech server refused it");
          said.push(text);
          yield new Int16Array(SECOND); // each sentence is a second long
          await world.rest;
        },
      },
    },
  });
  let drawn = 0;
  const talk = openTalk({ ...account, random: () => ++drawn / 2 ** 22 }, {
    call: fake.call,
    humans: () => world.humans,
    speaker: (id) => Promise.resolve({ sender: { id, username: `u${id}`, roles: [] } }),
  });
  /** The messages that wait for a turn. */
  const asked = () =>
    rows("SELECT message FROM inbox ORDER BY rowid").map(({ message }) =>
      JSON.parse(String(message))
    );
  /** The lines of minutes. */
  const minutes = async () => {
    clock.advance(10_000);
    await quiet();
    return requests.flatMap(({ path, body }) => path.includes("/301/") ? [body["content"]] : []);
  };
  talk.heard(new Set([ADA, BEN]));
  const piece = (of = ADA, seconds = 2): HeardPiece => ({
    userId: of,
    pcm: new Int16Array(seconds * SECOND),
    endedAt: clock.now(),
    end: "pause",
  });
  const turn = (ending = new AbortController()) => {
    const marks: number[] = [];
    const speech = talk.speechOf({
      message: guildMessage({ sender: { id: ADA, username: "ada", roles: [] } }),
      ending: ending.signal,
      mark: () => Promise.resolve(void marks.push(said.length)),
    });
    assert.ok(speech);
    const stream = speech.stream((text) => text);
    /** The model has written so much. */
    const grow = async (text: string) => {
      stream.grow(text);
      clock.advance(50);
      await quiet();
    };
    return { speech, marks, ending, stream, grow };
  };
  return {
    ...{ world, clock, talk, asked, told: posted, said, minutes, piece, turn, transcribing },
    ...{ rows, quiet, ...fake },
  };
}

describe("[V5] a piece of speech", () => {
  it("becomes a message of its speaker with its length", async () => {
    const { talk, piece, asked, minutes, quiet } = await build();
    talk.piece(piece());
    await quiet();
    const [{ sender, text, origin }] = asked();
    assert.deepEqual([sender.id, text, origin.seconds], [ADA, "what is the tide", 2]);
    assert.deepEqual(await minutes(), ["**u101**: what is the tide"]);
  });

  const silent: readonly (readonly [what: string, words: string | Error])[] = [
    ["noise that a model took for subtitles", "Thanks for watching!"],
    ["no words", new FileError("it has no words")],
  ];
  for (const [what, words] of silent) {
    it(`starts no turn, and tells no one, for ${what}`, async () => {
      const { talk, piece, asked, told, quiet } = await build({ words });
      talk.piece(piece());
      await quiet();
      assert.deepEqual([asked(), told()], [[], []]);
    });
  }

  const ends: Readonly<Record<string, (talk: Awaited<ReturnType<typeof build>>["talk"]) => void>> =
    {
      "was not heard for a moment": (talk) => talk.heard(new Set([BEN])),
      "was forgotten": (talk) => talk.forget(ADA),
    };
  for (const [what, end] of Object.entries(ends)) {
    it(`is dropped if its speaker ${what} meanwhile`, async () => {
      const { talk, piece, asked, minutes, transcribing, quiet } = await build({ words: "" });
      talk.piece(piece());
      await quiet();
      end(talk);
      talk.piece(piece());
      talk.heard(new Set([ADA, BEN]));
      for (let round = 0; round < 2; round++) {
        for (const go of transcribing) go();
        await quiet();
      }
      assert.deepEqual([asked(), await minutes()], [[], []]);
    });
  }

  it("is kept if another person was forgotten", async () => {
    const { talk, piece, asked, transcribing, quiet } = await build({ words: "" });
    talk.piece(piece());
    await quiet();
    talk.forget(BEN);
    talk.heard(new Set([ADA, BEN]));
    transcribing[0]?.();
    await quiet();
    assert.deepEqual(asked().map(({ sender }) => sender.id), [ADA]);
  });

  it("that no server understands costs one line a minute", async () => {
    const { talk, piece, told, clock, quiet } = await build({
      words: new FileError("the speech server refused it"),
    });
    for (let count = 0; count < 5; count++) {
      talk.piece(piece());
      await quiet();
    }
    assert.equal(told().length, 1);
    clock.advance(60_000);
    talk.piece(piece());
    await quiet();
    assert.equal(told().length, 2);
  });

  it("beyond a budget costs a line that says when it ends", async () => {
    const words = new BudgetSpent({ rule: "budgets.perUser.audioSecondsPerDay", limit: 1 });
    const { talk, piece, told, quiet } = await build({ words });
    talk.piece(piece());
    await quiet();
    assert.match(told()[0] ?? "", /budget .* is used up.*<t:\d+:R>/);
  });

  it("waits with few others: of 25 speakers with five pieces each, 25 pieces wait", async () => {
    const { talk, piece, transcribing, asked, quiet } = await build({ words: "" });
    const people = Array.from({ length: 25 }, (_, at) => userId(`${500 + at}`));
    talk.heard(new Set(people));
    for (const person of people) for (let count = 0; count < 5; count++) talk.piece(piece(person));
    for (let round = 0; round < 30; round++) {
      await quiet();
      for (const go of transcribing.splice(0)) go();
    }
    assert.equal(asked().length, 25);
  });
});

describe("[V7] who is addressed", () => {
  it("among several people is who names the bot, or answers its speech", async () => {
    const { talk, piece, asked, turn, world, clock, quiet } = await build({ humans: 2 });
    talk.piece(piece());
    await quiet();
    assert.equal(asked().length, 0);
    world.words = "Barnacle, what is the tide?";
    talk.piece(piece());
    await quiet();
    assert.equal(asked().length, 1);
    const { speech } = turn();
    await speech.end("High.", false);
    clock.advance(8_000 + 2_000);
    world.words = "and tomorrow";
    talk.piece(piece(BEN));
    talk.piece(piece(ADA));
    await quiet();
    assert.deepEqual(asked().map(({ sender }) => sender.id), [ADA, ADA]);
    clock.advance(1);
    talk.piece(piece(ADA));
    await quiet();
    assert.equal(asked().length, 2);
  });

  it("is who goes on after the longest piece, until a pause", async () => {
    const { talk, piece, asked, world, quiet } = await build({ humans: 2 });
    const says = async (words: string, of = ADA, end: HeardPiece["end"] = "cut") => {
      world.words = words;
      talk.piece({ ...piece(of), end });
      await quiet();
      return asked().length;
    };
    assert.equal(await says("a word to Ben"), 0);
    assert.equal(await says("and more to Ben", ADA, "pause"), 0);
    assert.equal(await says("Barnacle, I have a long question"), 1);
    assert.equal(await says("something else", BEN, "pause"), 1);
    assert.equal(await says("it goes on"), 2);
    assert.equal(await says("and ends here", ADA, "pause"), 3);
    assert.equal(await says("now to Ben"), 3);
  });
});

describe("[V5] the speech of a turn", () => {
  it("begins with the first sentence, after its mark", async () => {
    const { turn, said, speeches } = await build();
    const { speech, marks, stream, grow } = turn();
    await grow("It is high. It will");
    assert.deepEqual(said, ["It is high."]);
    assert.deepEqual(marks, [1]);
    assert.ok(stream.isShown());
    stream.grow("It is high. It will fall.");
    await stream.end();
    await speech.end("It is high. It will fall.", false);
    assert.ok(!speech.isPosted());
    assert.deepEqual(said, ["It is high.", "It will fall."]);
    assert.deepEqual(speeches.map(({ ms, hasEnded }) => [ms, hasEnded]), [[2_000, true]]);
    assert.equal(marks.length, 1);
  });

  const posted:
    readonly (readonly [what: string, text: string, isLarge: boolean, said: readonly string[]])[] =
      [
        ["code", "Run this.\n```\nls\n```", false, ["Run this.", "The rest is in the chat."]],
        ["a table", "Here.\n| a | b |", false, ["Here.", "The rest is in the chat."]],
        ["a file", "Here it is.", true, ["Here it is.", "The rest is in the chat."]],
      ];
  for (const [what, text, isLarge, expected] of posted) {
    it(`tells the begin of an answer with ${what}, which is posted`, async () => {
      const { turn, said } = await build();
      const { speech } = turn();
      await speech.end(text, isLarge);
      assert.ok(speech.isPosted());
      assert.deepEqual(said, expected);
    });
  }

  it("says once that it works, if nothing was said for long; the answer is posted", async () => {
    const { turn, said, clock, quiet } = await build();
    const { speech, marks } = turn();
    clock.advance(8_000);
    await quiet();
    clock.advance(60_000);
    await quiet();
    assert.equal(said.length, 1);
    assert.equal(marks.length, 1);
    await speech.end("Done.", false);
    assert.ok(speech.isPosted());
    assert.deepEqual(said.slice(1), ["Done."]);
  });

  it("says the words before a tool's call, and those after it", async () => {
    const { turn, said, quiet } = await build();
    const { speech, marks, stream, grow } = turn();
    stream.grow("Let me look.");
    speech.pause();
    await quiet();
    assert.deepEqual(said, ["Let me look."]);
    await grow("It is high. Bye");
    await speech.end("It is high. Bye.", false);
    assert.ok(!speech.isPosted());
    assert.deepEqual(said, ["Let me look.", "It is high.", "Bye."]);
    assert.equal(marks.length, 2);
  });

  for (const how of ["waits", "say"] as const) {
    it(`ends if the turn does after some words, so that the next one begins: ${how}`, async () => {
      const { turn, speeches, quiet } = await build();
      const { speech, stream } = turn();
      stream.grow("Let me do that.");
      speech.pause();
      if (how === "say") speech.say("");
      else speech.waits();
      await quiet();
      const expected = how === "waits" ? [true, true] : [true];
      assert.deepEqual(speeches.map(({ hasEnded }) => hasEnded), expected);
    });
  }

  it("costs no further sentence once no person hears it; the answer is posted", async () => {
    const { turn, said } = await build({ isMuted: true });
    const { speech } = turn();
    const text = "It is high. It will fall. Bye.";
    await speech.end(text, false);
    assert.ok(speech.isPosted());
    assert.deepEqual(said, ["It is high."]);
  });

  it("posts the answer if the speech server fails in the middle", async () => {
    const { turn, said, world } = await build();
    const { speech, grow } = turn();
    await grow("It is high. It");
    world.mute = true;
    const text = "It is high. It will fall.";
    await speech.end(text, false);
    assert.ok(speech.isPosted());
    assert.deepEqual(said, ["It is high."]);
  });
});

describe("[V7] a sound of a person", () => {
  it("holds the speech at once; words end it, and the answer is posted", async () => {
    const { turn, talk, speeches, piece, isHeld, quiet } = await build({ playedMs: 1_000 });
    const { speech, grow } = turn();
    await grow("One two. Three four. Five");
    talk.speechBegan(BEN);
    await quiet();
    assert.deepEqual([isHeld(), speeches[0]?.isStopped], [true, false]);
    talk.piece(piece(BEN));
    await quiet();
    assert.deepEqual([isHeld(), speeches[0]?.isStopped], [false, true]);
    await speech.end("One two. Three four. Five six.", false);
    assert.ok(speech.isPosted());
  });

  it("posts a text of the tool that people did not hear to its end", async () => {
    for (const happens of ["a word", "a noise", "a mute"] as const) {
      const { talk, world, told, piece, quiet } = await build({
        words: happens === "a word" ? "stop" : new FileError("it has no words"),
      });
      world.isMuted = happens === "a mute";
      const { promise, resolve } = Promise.withResolvers<void>();
      world.rest = promise;
      talk.say("One two. Three.");
      await quiet();
      talk.speechBegan(BEN);
      talk.piece(piece(BEN));
      await quiet();
      resolve();
      await quiet();
      const posts = told().filter((text) => text.startsWith("One"));
      assert.deepEqual(posts, happens === "a noise" ? [] : ["One two. Three."], happens);
    }
  });

  const noises: Readonly<Record<string, (built: Awaited<ReturnType<typeof build>>) => void>> = {
    "it was no speech": ({ talk, piece }) => talk.piece(piece(BEN, 0)),
    "it has no words": ({ talk, piece }) => talk.piece(piece(BEN)),
    "too many pieces wait": ({ talk, piece, world }) => {
      world.words = "";
      for (let count = 0; count < 4; count++) talk.piece(piece(BEN));
    },
    "the person is not heard any more": ({ talk }) => talk.heard(new Set([ADA])),
    "its end never comes": ({ clock }) => clock.advance(45_000),
  };
  for (const [why, happen] of Object.entries(noises)) {
    it(`lets the speech go on if ${why}`, async () => {
      const built = await build({ words: new FileError("it has no words") });
      const { speech, grow } = built.turn();
      await grow("One two. Three");
      built.talk.speechBegan(BEN);
      happen(built);
      await built.quiet();
      assert.deepEqual([built.isHeld(), built.speeches[0]?.isStopped], [false, false]);
      await speech.end("One two. Three.", false);
      assert.ok(!speech.isPosted());
    });
  }

  it("holds the speech while another one is looked at", async () => {
    const { talk, piece, isHeld, transcribing, quiet } = await build({ words: "" });
    talk.speechBegan(ADA);
    talk.piece(piece());
    await quiet();
    talk.speechBegan(ADA);
    transcribing[0]?.();
    await quiet();
    assert.ok(isHeld());
  });

  it("of a person who is not heard holds nothing", async () => {
    const { talk, isHeld } = await build();
    talk.speechBegan(userId("999"));
    assert.ok(!isHeld());
  });
});
