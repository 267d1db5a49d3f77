import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { describe, it } from "node:test";
import type { AccountContext } from "../../../../src/bot/account_context.ts";
import type { AccountServices, VoiceService } from "../../../../src/bot/bot_extra.ts";
import { RestError } from "../../../../src/discord/rest/exchange/rest_error.ts";
import { createCalls } from "../../../../src/extras/voice/link/calls.ts";
import { testAccount } from "../../../support/account.ts";
import { channelId, guildId, userId } from "../../../support/discord/builders.ts";
import { settle } from "../../../support/settle.ts";

const GUILD = guildId("1");
const TALK = channelId("2");
const BOT = userId("4");

/** A call whose thread is the test. */
async function joined() {
  const got: string[] = [];
  const threads: (EventEmitter & { terminate(): Promise<number> })[] = [];
  let listener: Parameters<VoiceService["listen"]>[0] | undefined;
  const { account } = testAccount({ schedule: () => () => {} });
  const request = () =>
    Promise.reject(new RestError("away", { kind: "unavailable", route: "/", status: 503 }));
  const calls = createCalls(
    { ...account, self: () => ({ userId: BOT }), config: () => ({}) } as unknown as AccountContext,
    {
      client: { request } as unknown as AccountServices["client"],
      reader: { index: { get: () => undefined } } as unknown as AccountServices["reader"],
      voice: {
        of: () => [],
        set: () => {},
        scheme: "ws",
        listen: (told: typeof listener) => void (listener = told),
      } as unknown as VoiceService,
    },
    () => {
      const thread = Object.assign(new EventEmitter(), {
        postMessage: ({ kind }: { readonly kind: string }) => got.push(kind),
        terminate: () => Promise.resolve(0),
      });
      threads.push(thread);
      return thread as unknown as ReturnType<NonNullable<Parameters<typeof createCalls>[2]>>;
    },
  );
  const ends: string[] = [];
  const call = calls.join({ guildId: GUILD, channelId: TALK }, {
    ...{ ready: () => {}, speechBegan: () => {}, piece: () => {}, frame: () => {} },
    ended: (end) => ends.push(end),
  });
  await settle();
  const connect = () => {
    listener?.moved({ guildId: GUILD, userId: BOT, channelId: TALK, sessionId: "s" } as never);
    listener?.server({ guildId: GUILD, token: "t", endpoint: "e:1" });
  };
  const left = () => listener?.moved({ guildId: GUILD, userId: BOT, sessionId: "s" } as never);
  return { call, got, threads, connect, left, ends };
}

describe("[V9] createCalls()", () => {
  it("sends nothing to a thread that does not listen yet, which would lose it", async () => {
    const { got, threads, connect } = await joined();
    connect();
    await settle();
    assert.deepEqual(got, []);
    threads[0]?.emit("message", { kind: "listens" });
    await settle();
    assert.deepEqual(got, ["connect", "hear"]);
  });

  it("has left once Discord shows the bot in no channel", async () => {
    const { call, connect, left, ends } = await joined();
    connect();
    const isLeft = call.leave();
    left();
    await isLeft; // no timer runs here
    assert.deepEqual(ends, ["left"]);
  });

  it("ends a call whose thread dies again and again, as after servers that do not hold", async () => {
    const { got, threads, connect, ends } = await joined();
    for (let death = 0; death < 6; death++) {
      connect();
      threads[death]?.emit("message", { kind: "listens" });
      await settle();
      assert.deepEqual([got.splice(0), ends], [["connect", "hear"], []]);
      threads[death]?.emit("exit", 1);
    }
    assert.deepEqual([threads.length, ends], [6, ["unreachable"]]);
  });
});
