import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { ModelError, type ModelPart, type ModelRequest } from "../../../../src/core/model.ts";
import { WebSocketServer } from "ws";
import { openTalk } from "../../../../src/features/voice/talk.ts";
import { schedule } from "../../../../src/lib/clock.ts";
import { createRealtimeServer } from "../../../../src/providers/other_apis/realtime.ts";
import { testAccount } from "../../../support/bot/test_account.ts";
import { guildMessage, messageId, userId } from "../../../support/discord/builders.ts";
import {
  type RealtimeSwitches,
  startRealtimeServer,
} from "../../../support/model/speech_realtime.ts";
import { speakText } from "../../../../simulator/model/spoken_text.ts";
import { fakeCall } from "./fake_call.ts";

const ADA = userId("101");
const KEY = "secret-key-1";
let asked = 0;
const isDown = () => {
  asked++;
  throw new Error("Discord is down");
};
const open: (() => Promise<void>)[] = [];
after(async () => {
  for (const close of open) await close();
});

interface Question {
  readonly id: ReturnType<typeof messageId>;
  readonly text: string;
  readonly seconds: number;
}

async function until(test: () => unknown): Promise<void> {
  while (!test()) await new Promise((resolve) => setTimeout(resolve, 5));
}

async function build(
  switches: Partial<RealtimeSwitches> = {},
  { humans = 1, playedMs = 0, budget = Infinity, mayTalk = () => true, baseUrl, pace = 1 }: {
    /** How many times as fast timers are. */
    readonly pace?: number;
    /** Of another server. */
    readonly baseUrl?: string;
    readonly humans?: number;
    readonly playedMs?: number;
    /** Seconds of sound. */
    readonly budget?: number;
    readonly mayTalk?: () => boolean;
  } = {},
) {
  const server = await startRealtimeServer(switches);
  const provider = {
    id: "mine",
    kind: "openai-compatible",
    baseUrl: baseUrl ?? server.baseUrl,
    apiKey: KEY,
  } as const;
  const settings = { provider, name: "talker", price: { input: 1, output: 2, audioMinute: 0.6 } };
  const fake = fakeCall(playedMs);
  const perUser = { audioSecondsPerDay: budget };
  const { account, rows, posted } = await testAccount({
    discord: { groupPolicy: "open" },
    beside: {
      voice: { names: ["Barnacle"], pauseMs: 200 },
      ...Number.isFinite(budget) && { budgets: { perUser } },
    },
    says: () => new Promise(() => {}),
    speech: {
      realtime: createRealtimeServer(settings, { voice: "alloy", hears: "ear", schedule }),
    },
  });
  const inTime = {
    ...account,
    now: Date.now,
    random: Math.random,
    schedule: (run: () => void, ms: number) => schedule(run, ms / pace),
  };
  const talk = openTalk(inTime, {
    call: fake.call,
    humans: () => humans,
    speaker: (id) =>
      new Promise((resolve) =>
        resolve(mayTalk() ? { sender: { id, username: "ada", roles: [] } } : undefined)
      ),
  });
  const questions = (): readonly Question[] =>
    rows("SELECT message FROM inbox ORDER BY rowid").map(({ message }) => {
      const { id, text, origin: { seconds } } = JSON.parse(String(message));
      return { id, text, seconds };
    });
  /** Seconds of sound, of both directions. */
  const counted = () =>
    Number(
      rows("SELECT sum(audio_sec) AS all_sec FROM usage WHERE kind = 'audio'")[0]?.["all_sec"],
    );
  talk.heard(new Set([ADA]));
  open.push(async () => {
    await talk.stop();
    await server.close();
  });

  return {
    ...{ server, talk, questions, told: posted, counted, ...fake },
    /** The person says something, and is silent: a client then sends nothing. */
    async says(text: string): Promise<Question> {
      const before = questions().length;
      const pcm = speakText(text);
      for (let at = 0; at < pcm.length; at += 480) talk.frame(ADA, pcm.subarray(at, at + 480));
      await until(() => questions().length > before);
      return questions()[before] ?? assert.fail("no question");
    },
    /** Runs a turn for a message, as the engine does. */
    turn(id: Question["id"]) {
      const marks: number[] = [];
      const ending = new AbortController();
      const speech = talk.speechOf({
        message: { ...guildMessage({ sender: { id: ADA, username: "ada", roles: [] } }), id },
        ending: ending.signal,
        mark: () => Promise.resolve(void marks.push(1)),
      });
      const { model } = speech ?? {};
      assert.ok(speech && model);
      async function ask(request: ModelRequest) {
        let text = "";
        let finish: Extract<ModelPart, { kind: "finish" }> | undefined;
        for await (const part of model!.generate(request, ending.signal)) {
          if (part.kind === "again") text = "";
          if (part.kind === "text") text += part.text;
          if (part.kind === "finish") finish = part;
        }
        assert.ok(finish);
        return { text, ...finish };
      }
      return { speech, ask, marks, ending };
    },
  };
}

const requestOf = (text: string, more: Partial<ModelRequest> = {}): ModelRequest => ({
  system: "You are Barnacle.",
  messages: [
    { role: "user", text: "earlier question" },
    { role: "assistant", text: "earlier answer" },
    { role: "user", text },
  ],
  ...more,
});

const items = (
  session: { readonly events: readonly Readonly<Record<string, unknown>>[] } | undefined,
) =>
  (session?.events ?? []).filter(({ type }) => type === "conversation.item.create")
    .map(({ item }) => item as Readonly<Record<string, unknown>>);

/** A server that sends events of its own, or closes, for each event of a kind. @returns Its address. */
async function serve(answers: Readonly<Record<string, readonly (object | "end")[]>>) {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  open.push(() => {
    for (const client of server.clients ?? []) client.terminate();
    return new Promise((resolve) => server.close(() => resolve()));
  });
  await new Promise<void>((resolve) => server.on("listening", () => resolve()));
  server.on(
    "connection",
    (
      link: {
        on: (on: string, run: (data: Buffer) => void) => void;
        send: (text: string) => void;
        terminate: () => void;
      },
    ) =>
      link.on("message", (data) => {
        for (const event of answers[JSON.parse(String(data)).type] ?? []) {
          if (event === "end") link.terminate();
          else link.send(JSON.stringify(event));
        }
      }),
  );
  const { port } = server.address() as { readonly port: number };
  return `http://127.0.0.1:${port}/v1`;
}

describe("[V6] a talk by the Realtime protocol", () => {
  for (const isBeta of [false, true]) {
    it(`hears, asks as a turn, and plays the answer${isBeta ? ", with the names of the beta" : ""}`, async () => {
      const { says, turn, server, speeches, counted } = await build({ isBeta });
      const question = await says("what is the tide");
      assert.equal(question.text, "what is the tide");
      assert.ok(question.seconds > 0.2);
      const { speech, ask, marks } = turn(question.id);
      const answer = await ask(requestOf(`<message>${question.text}</message>`));
      assert.equal(answer.text, "You said: what is the tide");
      assert.deepEqual(answer.usage, { inputTokens: 10, outputTokens: 20, micros: 50 });
      await speech.end(answer.text, false);
      assert.ok(!speech.isPosted());
      assert.equal(marks.length, 1);
      assert.ok((speeches[0]?.ms ?? 0) > 500);
      await until(() => counted() > 5); // of both directions
      const [session] = server.sessions;
      assert.equal(session?.authorization, `Bearer ${KEY}`);
      assert.equal(session?.model, "talker");
      assert.match(
        String(session?.settings["instructions"]),
        /^You are Barnacle\.\n\n.*said by ada \(101\)/s,
      );
      // The sound stands for the question; the history before it is text.
      assert.deepEqual(items(session).map(({ content }) => content), [
        [{ type: "input_text", text: "earlier question" }],
        [{ type: "output_text", text: "earlier answer" }],
      ]);
    });
  }

  it("gives the server the last 30 messages at first, and older ones never", async () => {
    const { turn, server, says } = await build();
    const first = await says("hello");
    const history = Array.from({ length: 90 }, (_, at) => ({
      role: at % 2 === 0 ? "user" as const : "assistant" as const,
      text: `line ${at}`,
    }));
    const messages = [...history, { role: "user" as const, text: "hello" }];
    await turn(first.id).ask({ ...requestOf(""), messages });
    const [session] = server.sessions;
    assert.equal(items(session).length, 29, "its sound stands for the question");
    const later = { role: "user", text: "more" } as const;
    await turn((await says("more")).id).ask({ ...requestOf(""), messages: [...messages, later] });
    assert.equal(items(session).length, 29);
  });

  for (const delayMs of [0, 200]) {
    it(`asks a server that answers by itself after ${delayMs} ms, and names no item of a speech`, async () => {
      const { says, turn } = await build({ isEager: true, delayMs });
      const question = await says("when is low tide today, and tomorrow");
      assert.ok(question.seconds > 1 && question.seconds < 10, String(question.seconds));
      const { ask } = turn(question.id);
      assert.equal((await ask(requestOf("when is low tide"))).text, `You said: ${question.text}`);
    });
  }

  it("answers a person who speaks on before the answer begins", async () => {
    const { says, turn } = await build({ delayMs: 400 });
    const first = await says("tell a story");
    const asking = turn(first.id).ask(requestOf("tell a story"));
    await says("a long one");
    assert.match((await asking).text, /^You said: /);
  });

  it("does not take the end of an answer that was given up for that of the next", async () => {
    const { says, turn } = await build({ delayMs: 100, speed: 1 });
    const first = await says("tell a story");
    const { ask, ending } = turn(first.id);
    const asking = ask(requestOf("tell a story"));
    await new Promise((resolve) => setTimeout(resolve, 50));
    ending.abort();
    const next = turn(first.id).ask(requestOf("tell a story"));
    await assert.rejects(asking);
    assert.equal((await next).text, "You said: tell a story");
  });

  it("calls tools in the turn, and gives the results of calls that wait for a person later", async () => {
    const { says, turn, server } = await build({
      answer: (words, from) =>
        from === "person" && words.includes("delete")
          ? { call: "discord", arguments: { action: "deleteMessage" } }
          : { text: `heard ${words}` },
    });
    const tools = [{ name: "discord", description: "Acts", parameters: { type: "object" } }];
    const first = await says("delete it");
    const waiting = turn(first.id);
    const question = requestOf("delete it", { tools });
    const called = await waiting.ask(question);
    const [call] = called.calls ?? assert.fail("no call");
    assert.equal(call?.name, "discord");
    assert.ok(call);
    const [session] = server.sessions;
    assert.ok(JSON.stringify(session?.settings["tools"]).includes("discord"));
    // The call waits on a card; the person talks on, in a conversation without the question.
    const second = await says("hello");
    const beside = await turn(second.id).ask(requestOf("hello", { tools }));
    assert.ok(beside.text.length > 0);
    // A press decided: the turn goes on.
    const messages = [
      ...question.messages,
      { role: "assistant", text: "", calls: [call] },
      { role: "tool", call, text: "deleted" },
    ] as const;
    const result = await turn(first.id).ask({ ...question, messages });
    assert.ok(result.text.length > 0);
    const last = items(server.sessions.at(-1)).at(-1);
    assert.ok(JSON.stringify(last).includes("deleted"));
  });

  for (const at of [0, 1]) {
    it(`[X5] [H6a] has no words that the conversation has lost: message ${at}`, async () => {
      const { says, turn, server } = await build();
      const { messages, ...request } = requestOf("hello");
      await turn((await says("hello")).id).ask({ ...request, messages });
      const more = { role: "user", text: "more" } as const;
      const left = [...messages.with(at, { role: "user", text: "not kept" }), more];
      const answer = await turn((await says("more")).id).ask({ ...request, messages: left });
      assert.ok(answer.text.length > 0);
      const [first, second] = server.sessions.map((one) => JSON.stringify(items(one)));
      assert.match(first ?? "", /earlier question.*earlier answer/);
      assert.doesNotMatch(second ?? "", at === 0 ? /earlier question/ : /earlier answer/);
      assert.match(second ?? "", /not kept/);
    });
  }

  it("among several people, forgets words that are not for the bot", async () => {
    const { talk, server, questions, says } = await build({}, { humans: 2 });
    const pcm = speakText("did you see that");
    for (let at = 0; at < pcm.length; at += 480) talk.frame(ADA, pcm.subarray(at, at + 480));
    await until(() =>
      server.sessions[0]?.events.some(({ type }) => type === "conversation.item.delete")
    );
    assert.equal(questions().length, 0);
    assert.equal((await says("barnacle hello")).text, "barnacle hello");
  });

  it("is cut by a person's words: the server learns what was heard, and the answer is posted", async () => {
    const { says, turn, server, speeches } = await build({ speed: 2 }, { playedMs: 100 });
    const { id } = await says("tell a story");
    const { speech, ask } = turn(id);
    const asking = ask(requestOf("tell a story"));
    await until(() => speeches[0]?.ms);
    await says("stop");
    const answer = await asking;
    assert.ok(answer.text.endsWith("…") && answer.text.length < "You said: tell a story".length);
    await speech.end(answer.text, false);
    assert.ok(speech.isPosted());
    const types = server.sessions[0]?.events.map(({ type }) => type) ?? [];
    assert.ok(types.includes("response.cancel"));
    const cut = () =>
      server.sessions[0]?.events.find(({ type }) => type === "conversation.item.truncate");
    await until(() => cut());
    assert.equal(cut()?.["audio_end_ms"], 100);
  });

  it("is cut in a later answer of a turn: the server learns how much of that one was heard", async () => {
    const { says, turn, server, speeches } = await build({ speed: 2 }, { playedMs: Infinity });
    const { id } = await says("tell a story");
    const { speech, ask } = turn(id);
    await ask(requestOf("tell a story"));
    const { ms: before = 0 } = speeches[0] ?? {};
    const asking = ask(requestOf("tell a story"));
    await until(() => speeches[0]?.ms !== before);
    await says("stop");
    const { ms: heard = 0 } = speeches[0] ?? {};
    await speech.end((await asking).text, false);
    const cut = () =>
      server.sessions[0]?.events.find(({ type }) => type === "conversation.item.truncate");
    await until(() => cut());
    assert.ok(before > 0 && heard > before);
    assert.equal(cut()?.["audio_end_ms"], heard - before);
  });

  for (
    const [why, options, sent, seconds, tells] of [
      ["no words are in it", {}, 8, 10, 0],
      ["the budget is spent in mid-speech", { budget: 1 }, 5, 5, 1],
      ["a role was taken in mid-speech", { mayTalk: () => asked++ < 1 }, 5, 5, 0],
      ["Discord does not tell the rights", { mayTalk: isDown }, 0, 0, 1],
    ] as const
  ) {
    it(`counts sound before the server gets it: ${why}`, async () => {
      asked = 0;
      const { talk, server, counted, told } = await build({}, options);
      for (let frame = 0; frame < 400; frame++) talk.frame(ADA, new Int16Array(480));
      const gotSec = () => (server.sessions[0]?.heardMs() ?? 0) / 1_000;
      await until(() => gotSec() >= sent);
      assert.ok(gotSec() < sent + 1, "only the silence of a pause follows");
      assert.equal(counted(), seconds);
      await until(() => told().length >= tells);
      assert.equal(told().length, tells);
      assert.ok(asked < 3, "each part is asked for once");
    });
  }

  it("fails the turn if the server dies in mid-sentence, and connects again", async () => {
    const { says, turn, server, told, counted } = await build({ diesAfterMs: 300 });
    const { id } = await says("tell a story");
    await assert.rejects(
      turn(id).ask(requestOf("tell a story")),
      (error) => error instanceof ModelError && error.kind === "unavailable",
    );
    assert.deepEqual(told(), []);
    assert.equal(server.sessions.length, 1);
    await until(() => counted() > 5); // with the sound of the answer so far
  });

  const minute = Buffer.alloc(60 * 48_000).toString("base64");
  const refusal = (message: string) => [{ type: "error", error: { event_id: "answer", message } }];
  const hostile: Readonly<Record<string, readonly [readonly object[], RegExp]>> = {
    "repeats our key": [refusal(`bad key ${KEY}`), /bad key …$/],
    "says much in an error": [refusal("no ".repeat(90_000)), /^.{1,300}$/],
    "speaks without an end": [
      Array(11).fill({ type: "response.audio.delta", item_id: "i", delta: minute }),
      /has no end/,
    ],
    "writes without an end": [
      Array(300).fill({ type: "response.output_text.delta", delta: "x".repeat(1_000) }),
      /has no end/,
    ],
    "calls tools without an end": [
      Array(300).fill({
        type: "response.output_item.done",
        item: { type: "function_call", call_id: "c", name: "n", arguments: "x".repeat(1_000) },
      }),
      /has no end/,
    ],
  };
  for (const [what, [events, why]] of Object.entries(hostile)) {
    it(`fails the turn of a server that ${what}`, async () => {
      const baseUrl = await serve({ "response.create": events });
      const { turn } = await build({}, { baseUrl });
      await assert.rejects(turn(messageId("77")).ask(requestOf("hi")), (error: Error) => {
        assert.match(error.message, why);
        return !error.message.includes(KEY);
      });
    });
  }

  it("outlives errors of the server that are no end of its answer, as of LocalAI", async () => {
    const baseUrl = await serve({
      "response.create": [
        { type: "response.created", response: { id: "r" } },
        {
          type: "error",
          error: { event_id: "event_TODO", message: "Deleting is not implemented" },
        },
        { type: "input_audio_buffer.speech_started", audio_start_ms: 1 },
        { type: "error", error: { event_id: "event_TODO", message: "transcription failed" } },
        { type: "error", error: { message: "Failed to process audio" } },
        { type: "response.output_text.delta", response_id: "r", delta: "It is high." },
        { type: "response.done", response: { id: "r", status: "completed" } },
      ],
    });
    const { turn, told } = await build({}, { baseUrl });
    assert.equal((await turn(messageId("77")).ask(requestOf("hi"))).text, "It is high.");
    await until(() => told().length === 1); // the words of a person have no transcript
  });

  const error = { type: "error", error: { message: "backend error" } };
  for (
    const [events, pace, why] of [[[], 1_000, /sends nothing/], [
      [error],
      20,
      /backend err/,
    ]] as const
  ) {
    it(`gives up a server that falls silent${events.length > 0 ? " after an error" : ""}`, async () => {
      const baseUrl = await serve({ "response.create": [{ type: "response.created" }, ...events] });
      const { turn } = await build({}, { baseUrl, pace });
      await assert.rejects(turn(messageId("77")).ask(requestOf("hi")), why);
    });
  }

  const began = { type: "input_audio_buffer.speech_started", item_id: "i", audio_start_ms: 1 };
  const lost: Readonly<Record<string, readonly (object | "end")[]>> = {
    "dies while a person speaks": [began, "end"],
    "cannot write their words down": [
      began,
      { type: "conversation.item.input_audio_transcription.failed", item_id: "i" },
    ],
    "refuses their sound": [began, { type: "error", error: { message: "no quota" } }],
  };
  for (const [what, events] of Object.entries(lost)) {
    it(`tells the chat once if the server ${what}`, async () => {
      const baseUrl = await serve({ "input_audio_buffer.append": events });
      const { talk, told } = await build({}, { baseUrl });
      for (let count = 0; count < 5; count++) talk.frame(ADA, new Int16Array(480));
      await until(() => told().length > 0);
      for (let count = 0; count < 5; count++) talk.frame(ADA, new Int16Array(480));
      assert.match(told().join(), /^I did not|cannot|could not/);
    });
  }

  it("tells the chat once if no connection opens", async () => {
    const { talk, told } = await build({ refuses: true });
    talk.frame(ADA, new Int16Array(480));
    await until(() => told().length > 0);
    for (let count = 0; count < 50; count++) talk.frame(ADA, new Int16Array(480));
    assert.equal(told().length, 1);
  });

  it("fails the turn of a person who is no longer heard, and closes their connection", async () => {
    const { says, turn, talk, speeches, server } = await build({ speed: 1 });
    const { id } = await says("tell a story");
    const asking = turn(id).ask(requestOf("tell a story"));
    await until(() => speeches[0]?.ms);
    talk.heard(new Set());
    await assert.rejects(asking, /not heard any more/);
    await until(() => !server.sessions[0]?.isOpen());
    talk.frame(ADA, new Int16Array(480));
    assert.equal(server.sessions.length, 1);
  });
});
