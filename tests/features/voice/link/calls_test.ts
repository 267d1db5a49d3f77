import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ChannelId } from "../../../../src/core/discord/ids.ts";
import type { OwnVoice, VoiceMember, VoiceServer } from "../../../../src/core/discord/gateway.ts";
import type { VoiceListener } from "../../../../src/discord/gateway/read/voice_index.ts";
import { RestError } from "../../../../src/discord/rest/exchange/exchange.ts";
import { callsOfThread, createCall } from "../../../../src/features/voice/thread_calls.ts";
import {
  type FromCall,
  LISTENS,
  type OfCall,
  type PlayedSamples,
  type ToCall,
} from "../../../../src/features/voice/thread.ts";
import { bareAccount } from "../../../support/account.ts";
import { channelId, guildId, userId } from "../../../support/discord/builders.ts";
import { FakeClock } from "../../../support/fake_clock.ts";
import { settle } from "../../../support/settle.ts";

const GUILD = guildId("1");
const TALK = channelId("2");
const OTHER = channelId("3");
const BOT = userId("4");

/** A call whose every step is a word: what Discord is asked, the thread is told, and the owner hears. */
async function startCall({ refusals = [], hasChannel = true }: {
  /** How Discord answers at each look whether it would refuse the call. */
  readonly refusals?: (403 | undefined)[];
  readonly hasChannel?: boolean;
} = {}) {
  const log: string[] = [];
  /** Samples that the thread played of each speech. */
  const played = new Map<number, PlayedSamples>();
  const clock = new FakeClock();
  let members: readonly VoiceMember[] = [];
  let listener: Partial<VoiceListener> = {};
  let take: (told: OfCall<FromCall> | typeof LISTENS) => void = () => {};
  let die = () => {};
  const account = bareAccount({
    ...{ now: clock.now, schedule: clock.schedule },
    config: () => ({}),
    self: () => ({ userId: BOT }),
    ...{ apiBase: "https://discord.com", bot: { memory: { worked() {} } } },
    reader: { index: new Map([[GUILD, { channels: new Set(hasChannel ? [TALK] : []) }]]) },
    voiceIndex: { of: () => members, listen: (own: VoiceListener) => listener = own },
    connection: { setVoice: ({ channelId: to }: OwnVoice) => log.push(to ? "join" : "leave") },
    rest: {
      request: () => {
        const kind = refusals.shift() ? "forbidden" : "unavailable";
        return Promise.reject(new RestError("no", { kind, route: "GET /" }));
      },
    },
  } as never);
  callsOfThread(account).open = () => ({
    on(event: string, run: (told: never) => void) {
      if (event === "message") take = run as typeof take;
      if (event === "exit") die = run as typeof die;
    },
    postMessage(message: ToCall) {
      log.push(message.kind === "connect" ? `> ${message.target.url}` : `> ${message.kind}`);
      if (message.kind === "speak") played.set(message.speech, message.played);
    },
    terminate: () => Promise.resolve(log.push("> end")),
  } as never);
  const begin = () =>
    createCall(
      account,
      { guildId: GUILD, channelId: TALK },
      (event) => log.push(event.kind === "ended" ? `ended ${event.end}` : event.kind),
    );
  const call = begin();
  await settle();
  const main = {
    ...{ call, begin },
    moved: (to: ChannelId | undefined, sessionId: string) =>
      listener.moved?.({ guildId: GUILD, userId: BOT, channelId: to, sessionId }),
    server: (server: Omit<VoiceServer, "guildId">) =>
      listener.server?.({ guildId: GUILD, ...server }),
    renewed: () => listener.renewed?.(GUILD),
    told: (message: FromCall) => take({ ...message, call: 1 }),
    die: () => die(),
  };
  const connect = () => {
    main.moved(TALK, "s");
    main.server({ token: "t", endpoint: "e:1" });
    take(LISTENS);
  };
  const play = (speech: number, ms: number) => played.get(speech)?.set([ms * 24]);
  return {
    ...{ main, clock, connect, play },
    /** The words so far, in their order: those of and to Discord and the owner, then those to the thread. */
    async take() {
      await settle();
      return inOrder(log.splice(0));
    },
    setMembers: (now: typeof members) => void (members = now),
  };
}

function inOrder(words: readonly string[]) {
  const isToThread = (word: string) => word.startsWith(">");
  return [words.filter((word) => !isToThread(word)), words.filter(isToThread)];
}

/** @param seen Words with commas. */
const wordsOf = (seen: string) => inOrder(seen === "" ? [] : seen.split(", "));

type Started = Awaited<ReturnType<typeof startCall>>;

const JOINED = "join, > wss://e:1/?v=8, > hear";
const AGAIN = "leave, join";
const READY = { kind: "ready", isEndToEnd: true } as const;

describe("[V9] a call of the main thread", () => {
  const rows: readonly (readonly [
    what: string,
    does: (call: Started) => Promise<unknown> | void,
    seen: string,
  ])[] = [
    ["connects once for a session and a server", ({ connect }) => connect(), ""],
    ["connects to another server", ({ main }) => {
      main.server({ token: "t2" });
      main.server({ token: "t3", endpoint: "e:2" });
    }, "> wss://e:2/?v=8, > hear"],
    ["stops hearing at once, also while the server is gone", ({ main }) => {
      main.server({ token: "t2" });
      main.call.hear(new Map());
    }, "> hear"],
    ["joins anew if the server wants it", ({ main, connect }) => {
      main.told({ kind: "over", end: "refresh", token: "t" });
      main.moved(undefined, "s");
      connect();
    }, `${AGAIN}, > wss://e:1/?v=8, > hear`],
    [
      "joins anew with a new session of the gateway, unless it is still there",
      ({ main, setMembers }) => {
        setMembers([{ userId: BOT, channelId: TALK, isBot: true, isMuted: false }]);
        main.renewed();
        setMembers([]);
        main.renewed();
      },
      AGAIN,
    ],
    ["joins anew if no news explain a disconnect", ({ main, clock }) => {
      main.told({ kind: "over", end: "disconnected", token: "t" });
      return clock.advance(3_000);
    }, AGAIN],
    ["ends after a kick", ({ main, clock }) => {
      main.moved(undefined, "s");
      main.told({ kind: "over", end: "disconnected", token: "t" });
      return clock.advance(500);
    }, "> close, ended kicked"],
    [
      "ends, and leaves, after a move to a channel that nobody chose",
      ({ main }) => main.moved(OTHER, "s"),
      "> close, leave, ended kicked",
    ],
    ["ends by itself if Discord never answers", async ({ main, clock }) => {
      main.told({ kind: "over", end: "refresh", token: "t" });
      for (let tries = 0; tries < 3; tries++) {
        clock.advance(8_000);
        await settle();
      }
    }, `${AGAIN}, leave, join, leave, join, > close, leave, ended unreachable`],
    [
      "ends by itself after five new servers of which none held for a minute",
      async (call) => {
        for (let n = 0; n < 6; n++) {
          call.main.told({ kind: "over", end: "refresh", token: "t" });
          call.connect();
          call.main.told(READY);
          await settle();
          await call.clock.advance(50_000);
        }
      },
      [
        ...Array(5).fill(`${AGAIN}, > wss://e:1/?v=8, > hear, ready`),
        "> close, > end, leave, ended unreachable",
      ].join(", "),
    ],
    ["goes on with new servers if each held for a minute", async (call) => {
      for (let n = 0; n < 9; n++) {
        call.main.told(READY);
        await call.clock.advance(60_000);
        call.main.told({ kind: "over", end: "refresh", token: "t" });
        call.connect();
      }
    }, Array(9).fill(`ready, ${AGAIN}, > wss://e:1/?v=8, > hear`).join(", ")],
    ["does not take the end of its last server for that of the next", async ({ main, clock }) => {
      main.told(READY);
      main.server({ token: "t2", endpoint: "e:2" });
      main.told({ kind: "over", end: "disconnected", token: "t" });
      await clock.advance(60_000);
    }, "ready, > wss://e:2/?v=8, > hear"],
    ["ends by itself if its first servers never get ready", async ({ main, clock, connect }) => {
      await clock.advance(12_000);
      main.told({ kind: "over", end: "refresh", token: "t" });
      connect();
      await clock.advance(12_999);
      await clock.advance(1);
    }, `${AGAIN}, > wss://e:1/?v=8, > hear, > close, leave, ended unreachable`],
    [
      "ends by itself if its later servers stay silent for a minute",
      async (call) => {
        call.main.told(READY);
        for (let server = 0; server < 3; server++) {
          call.main.told({ kind: "over", end: "refresh", token: "t" });
          call.connect();
          await call.clock.advance(server === 0 ? 59_000 : 500);
        }
      },
      `ready, ${
        Array(3).fill(`${AGAIN}, > wss://e:1/?v=8, > hear`).join(", ")
      }, > close, leave, ended unreachable`,
    ],
    ["ends by itself if Discord names no server in place of one that is gone", async (call) => {
      call.main.told(READY);
      call.main.server({ token: "t2" });
      await call.clock.advance(60_000);
    }, "ready, > close, leave, ended unreachable"],
    ["has time for later servers anew once one was ready", async (call) => {
      for (let server = 0; server < 3; server++) {
        call.main.told(READY);
        await call.clock.advance(60_000);
        call.main.told({ kind: "over", end: "refresh", token: "t" });
        call.connect();
        await call.clock.advance(59_000);
      }
    }, Array(3).fill(`ready, ${AGAIN}, > wss://e:1/?v=8, > hear`).join(", ")],
    [
      "gives way to the next call of its guild",
      ({ main }) => void main.begin(),
      "> close, ended left, join",
    ],
    ["ends its thread half a minute after the last call", async ({ main, clock }) => {
      main.moved(OTHER, "s");
      await settle();
      await clock.advance(30_000);
    }, "> close, > end, leave, ended kicked"],
    ["passes on the end of the thread", ({ main }) => {
      main.told({ kind: "over", end: "no_encryption", token: "t" });
      main.told({ kind: "began", userId: BOT });
    }, "> close, leave, ended no_encryption"],
  ];
  for (const [what, does, seen] of rows) {
    it(what, async () => {
      const call = await startCall();
      call.connect();
      assert.deepEqual(await call.take(), wordsOf(JOINED));
      await does(call);
      assert.deepEqual(await call.take(), wordsOf(seen));
    });
  }

  it("ends before it joins if Discord would refuse", async () => {
    const { take } = await startCall({ refusals: [403] });
    assert.deepEqual(await take(), wordsOf("leave, ended no_connect"));
  });

  it("says why if Discord refuses since the join", async () => {
    const { clock, take } = await startCall({ refusals: [undefined, 403] });
    await clock.advance(8_000);
    await settle();
    assert.deepEqual(await take(), wordsOf("join, leave, ended no_connect"));
  });

  it("ends as the channel is deleted", async () => {
    const { main, clock, connect, take } = await startCall({ hasChannel: false });
    connect();
    await take();
    const speech = main.call.speak();
    main.moved(undefined, "s");
    await clock.advance(500);
    assert.deepEqual(await take(), wordsOf("> speak, > close, ended channel_deleted"));
    assert.deepEqual(await speech.done, { playedMs: 0, isWhole: false });
  });

  it("speaks to no one while it is muted, as on a stage; so its words are posted", async () => {
    const { main, connect, setMembers, take } = await startCall();
    connect();
    await take();
    setMembers([{ userId: BOT, channelId: TALK, isBot: true, isMuted: true }]);
    assert.deepEqual(await main.call.speak().done, { playedMs: 0, isWhole: false });
    assert.deepEqual(await take(), wordsOf(""));
  });

  it("tells what was played, also if the thread dies", async () => {
    const { main, connect, play, take } = await startCall();
    connect();
    const [first, second] = [main.call.speak(), main.call.speak()];
    first.write(new Int16Array(24_000));
    second.write(new Int16Array(12_000));
    await settle();
    play(1, 420);
    main.told({ kind: "played", id: 1, isWhole: false });
    assert.equal((await first.done).playedMs, 420);
    play(2, 140);
    await take();
    main.die();
    assert.deepEqual(await second.done, { playedMs: 140, isWhole: false });
    assert.deepEqual(await take(), wordsOf(AGAIN), "and joins anew");
    void main.call.leave();
    assert.deepEqual(await main.call.speak().done, { playedMs: 0, isWhole: false });
  });
});
