import { Buffer } from "node:buffer";
import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { createDecoder, createEncoder } from "libopus-wasm";
import type { UserId } from "../../../../src/core/discord/ids.ts";
import { loadDavey } from "../../../../src/extras/voice/link/davey.ts";
import { RUNTIME } from "../../../../src/extras/voice/link/link.ts";
import { createOpus } from "../../../../src/extras/voice/link/opus.ts";
import { createThreadCall } from "../../../../src/extras/voice/link/thread.ts";
import type { FromCall, ToCall } from "../../../../src/extras/voice/link/thread_messages.ts";
import { userId } from "../../../support/discord/builders.ts";
import { type FakeRules, OWN_SSRC, startFakeServer } from "./fake_voice_server.ts";

const ANNA = userId("158049329150427137");
const BEN = userId("158049329150427138");
const BOT = "158049329150427136";
const opus = await createOpus();
const davey = await loadDavey();
const createSession = (...of: [number, string, string]) => new davey.DAVESession(...of);

const stops: (() => unknown)[] = [];
after(() => Promise.all(stops.map((stop) => stop())));

async function until(what: string, test: () => unknown, ms = 5_000): Promise<void> {
  const end = performance.now() + ms;
  while (!test()) {
    if (performance.now() > end) throw new Error(`never: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

function tone(ms: number, hertz = 440): Int16Array {
  return Int16Array.from(
    { length: ms * 24 },
    (_, at) => Math.round(9_000 * Math.sin(at / 24_000 * 2 * Math.PI * hertz)),
  );
}

async function startCall(rules: FakeRules = {}) {
  const server = await startFakeServer(rules);
  const told: FromCall[] = [];
  const take = createThreadCall(opus, { ...RUNTIME, createSession }, (one) => told.push(one));
  stops.push(() => (take({ kind: "close" }), server.stop()));
  const target = {
    url: server.url,
    guildId: "41771983423143937",
    userId: BOT,
    channelId: "927310423890473011",
    sessionId: "s",
    token: "t",
  };
  const connect: ToCall = { kind: "connect", target, rules: { pauseMs: 500, longestMs: 30_000 } };
  take(connect);
  const ofKind = <Kind extends FromCall["kind"]>(kind: Kind) =>
    told.filter((one): one is Extract<FromCall, { kind: Kind }> => one.kind === kind);
  return { server, told, take, ofKind, connect };
}

describe("[V2] a call of the thread", () => {
  it("connects as Discord describes it", async () => {
    const { server, told, ofKind } = await startCall();
    await until("ready", () => ofKind("state").some(({ state }) => state.kind === "ready"));
    const [identify, select] = server.told;
    assert.equal(identify?.op, 0);
    assert.deepEqual(identify?.d, {
      server_id: "41771983423143937",
      user_id: BOT,
      session_id: "s",
      token: "t",
      max_dave_protocol_version: 1,
    });
    assert.deepEqual(select, {
      op: 1,
      d: {
        protocol: "udp",
        data: { address: "203.0.113.9", port: 5005, mode: "aead_aes256_gcm_rtpsize" },
      },
    });
    assert.deepEqual(told, [{ kind: "state", state: { kind: "ready", isEndToEnd: false } }]);
    await until("a heartbeat", () => server.told.some(({ op }) => op === 3));
  });

  it("resumes with the last number, and keeps its key", async () => {
    const { server, ofKind, take } = await startCall();
    await until("ready", () => ofKind("state").length === 1);
    server.send(5, { user_id: ANNA, ssrc: 9, speaking: 1 }, 17);
    await until(
      "a heartbeat with it",
      () => server.told.some(({ op, d }) => op === 3 && d.seq_ack === 17),
    );
    server.close(4015);
    await until("a RESUME", () => server.told.some(({ op }) => op === 7));
    assert.deepEqual(server.told.find(({ op }) => op === 7)?.d, {
      server_id: "41771983423143937",
      session_id: "s",
      token: "t",
      seq_ack: 17,
    });
    await until("ready again", () => ofKind("state").length === 3);
    assert.deepEqual(ofKind("state").map(({ state }) => state.kind), [
      "ready",
      "reconnecting",
      "ready",
    ]);
    take({ kind: "speak", speech: 1 });
    take({ kind: "write", speech: 1, pcm: tone(40) });
    await until("sound", () => server.sounds.length > 1);
  });

  it("plays speech at its rate, with five frames of silence at the end", async () => {
    const { server, ofKind, take } = await startCall();
    await until("ready", () => ofKind("state").length === 1);
    take({ kind: "speak", speech: 7 });
    take({ kind: "write", speech: 7, pcm: tone(250) });
    take({ kind: "write", speech: 7, pcm: tone(245) });
    take({ kind: "end", speech: 7 });
    await until("played", () => ofKind("played").length === 1);
    assert.deepEqual(ofKind("played"), [{ kind: "played", id: 7, playedMs: 495, isWhole: true }]);
    await until("silence", () => server.sounds.length === 30);
    const { sounds } = server;
    const [first] = sounds;
    assert.ok(first);
    sounds.forEach(({ sequence, timestamp }, at) => {
      assert.equal((sequence - first.sequence) & 0xffff, at);
      assert.equal((timestamp - first.timestamp) >>> 0, at * 960);
    });
    assert.deepEqual(
      sounds.slice(25).map(({ payload }) => payload.toString("hex")),
      Array(5).fill("f8fffe"),
    );
    await until("it says so", () => server.told.filter(({ op }) => op === 5).length === 2);
    assert.deepEqual(server.told.filter(({ op }) => op === 5).map(({ d }) => d), [
      { speaking: 1, delay: 0, ssrc: OWN_SSRC },
      { speaking: 0, delay: 0, ssrc: OWN_SSRC },
    ]);
    const decoder = await createDecoder({ sampleRate: 48_000, channels: 2 });
    const loud = sounds.map(({ payload }) => Math.max(...decoder.decode(payload))).slice(5, 20);
    assert.ok(loud.every((peak) => peak > 6_000 && peak < 12_000), String(loud));
  });

  it("hears chosen people alone, also through loss and disorder, and drops packets of strangers", async () => {
    const { server, ofKind, take } = await startCall();
    await until("ready", () => ofKind("state").length === 1);
    take({ kind: "hear", people: new Map<UserId, "frames">([[ANNA, "frames"]]) });
    server.send(5, { user_id: ANNA, ssrc: 11, speaking: 1 }, 1);
    server.send(5, { user_id: BEN, ssrc: 12, speaking: 1 }, 2);
    await new Promise((resolve) => setTimeout(resolve, 30));
    const encoder = await createEncoder({ sampleRate: 48_000, channels: 2 });
    const frames = Array.from(
      { length: 50 },
      (_, n) =>
        encoder.encode(
          Int16Array.from({ length: 1920 }, (_, at) =>
            Math.round(9_000 * Math.sin((n * 960 + (at >> 1)) / 48_000 * 2 * Math.PI * 440))),
        ),
    );
    const order = frames.map((_, at) => at === 20 ? 21 : at === 21 ? 20 : at);
    for (const at of order) {
      const frame = frames[at];
      if (!frame || at === 30) continue;
      server.speak(11, 65_520 + at, frame);
      if (at % 10 === 0) server.speak(11, 65_520 + at, frame); // a copy
      server.speak(12, at, frame);
      server.speak(13, at, frame);
      server.speak(11, 65_520 + at + 1, frame, Buffer.alloc(32, 1));
      await new Promise((resolve) => setTimeout(resolve, 4));
    }
    await until("all frames", () => ofKind("frame").length >= 50);
    const heard = ofKind("frame");
    assert.ok(heard.every((one) => one.userId === ANNA && one.pcm.length === 480));
    const loud = heard.slice(3, 50).map(({ pcm }) => Math.max(...pcm));
    assert.ok(loud.every((peak) => peak > 2_500), String(loud));
    await until("speech", () => ofKind("began").length === 1);
    await until("silence after it", () => ofKind("frame").length > 80);
  });

  it("says that UDP is blocked", async () => {
    const { ofKind } = await startCall({ isUdpBlocked: true });
    await until("the end", () => ofKind("over").length === 1, 8_000);
    assert.deepEqual(ofKind("over"), [{ kind: "over", end: "udp_blocked" }]);
  });
});
