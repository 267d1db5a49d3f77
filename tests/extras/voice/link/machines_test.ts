import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { describe, it } from "node:test";
import { VoiceOpcodes as OP } from "discord-api-types/voice/v8";
import { createDave, type DaveSession, GROUP_MS } from "../../../../src/extras/voice/link/dave.ts";
import { createGateway, DISCOVERY_MS } from "../../../../src/extras/voice/link/gateway.ts";
import { readServerMessage } from "../../../../src/extras/voice/link/wire/messages.ts";
import { createPlayer, type PlayedSamples } from "../../../../src/extras/voice/link/player.ts";
import { userId } from "../../../support/discord/builders.ts";

const TARGET = {
  url: "ws://x",
  guildId: "1",
  userId: "2",
  channelId: "3",
  sessionId: "s",
  token: "t",
};

type Event = "start" | "opened" | "tick" | "discovered" | object | { readonly code: number };

/** Plays events at their times. @returns What it did in short, what it sent, and its next tick. */
function play(...events: readonly (readonly [atMs: number, event: Event])[]) {
  let atMs = 0;
  const did: string[] = [];
  const sent: unknown[] = [];
  const gateway = createGateway(TARGET, {
    now: () => atMs,
    random: () => 0.5,
    open: () => did.push("open"),
    drop: () => did.push("drop"),
    send(op, d) {
      did.push(`send ${op}`);
      sent.push(d);
    },
    discover: (ssrc) => did.push(`discover ${ssrc}`),
    session: (mode, _, dave) => did.push(`session ${mode} ${dave}`),
    pass: ({ op }) => did.push(`pass ${op}`),
    resumed: () => did.push("resumed"),
    ended: (end) => did.push(`ended ${end}`),
  });
  for (const [at, event] of events) {
    atMs = at;
    if (event === "discovered") gateway.discovered("9.9.9.9", 9);
    else if (typeof event === "string") gateway[event as "start"]();
    else if ("code" in event) gateway.closed(event.code as number);
    else gateway.receive(readServerMessage(JSON.stringify(event)));
  }
  return { did, sent, dueMs: gateway.dueMs() };
}

const HELLO = { op: OP.Hello, d: { heartbeat_interval: 1_000 } };
const READY = {
  op: OP.Ready,
  d: { ssrc: 1, ip: "1.2.3.4", port: 5, modes: ["aead_aes256_gcm_rtpsize"] },
};
const SESSION = {
  op: OP.SessionDescription,
  d: { mode: "aead_aes256_gcm_rtpsize", secret_key: Array(32).fill(1), dave_protocol_version: 1 },
  seq: 4,
};
const CONNECT = [
  [0, "start"],
  [0, "opened"],
  [0, HELLO],
  [0, READY],
  [0, "discovered"],
  [0, SESSION],
] as const;
const CONNECTED = ["open", "send 0", "discover 1", "send 1", "session aead_aes256_gcm_rtpsize 1"];
const closedBy = (code = 1006) => ({ code });

describe("[V9] createGateway()", () => {
  const rows: readonly (readonly [
    what: string,
    events: readonly (readonly [number, Event])[],
    effects: readonly string[],
  ])[] = [
    ["connects", [], []],
    ["beats after a part of the interval, then after all of it", [
      [500, "tick"],
      [600, { op: OP.HeartbeatAck, d: null }],
      [1_499, "tick"],
      [1_500, "tick"],
    ], ["send 3", "send 3"]],
    ["resumes if a beat is not acknowledged", [[500, "tick"], [1_500, "tick"], [1_500, "tick"]], [
      "send 3",
      "drop",
      "open",
    ]],
    ["resumes with the last number", [
      [10, { op: 99, d: {}, seq: 9 }],
      [20, closedBy(1006)],
      [20, "tick"],
      [30, "opened"],
      [30, HELLO],
      [40, { op: OP.Resumed, d: null }],
    ], ["drop", "open", "send 7", "resumed"]],
    ["waits longer after each failure, and asks for a server after five", [
      [0, closedBy()],
      [0, "tick"],
      [0, closedBy()],
      [499, "tick"],
      [500, "tick"],
      [500, closedBy()],
      [1_500, "tick"],
      [1_500, closedBy()],
      [3_500, "tick"],
      [3_500, closedBy()],
      [7_500, "tick"],
      [7_500, closedBy()],
    ], [...Array(5).fill(["drop", "open"]).flat(), "drop", "ended refresh"]],
    ["asks for a server if no resumed connection holds", [
      ...[0, 500, 1_500, 3_500, 7_500].flatMap((at, index, all) =>
        [
          [all[index - 1] ?? 0, closedBy()],
          [at, "tick"],
          [at, "opened"],
          [at, HELLO],
          [at, { op: OP.Resumed, d: null }],
        ] as const
      ),
      [7_500, closedBy()],
    ], [
      ...Array(5).fill(["drop", "open", "send 7", "resumed"]).flat(),
      "drop",
      "ended refresh",
    ]],
    ["ignores what follows its end", [[0, closedBy(4014)], [0, closedBy(4014)], [0, HELLO]], [
      "drop",
      "ended disconnected",
    ]],
    ...[4001, 4002, 4003, 4004, 4005, 4006, 4009, 4011, 4020].map((code) =>
      [`asks for another server after ${code}`, [[0, closedBy(code)]], [
        "drop",
        "ended refresh",
      ]] as const
    ),
    ...([[4012, "unreachable"], [4016, "unreachable"], [4017, "no_encryption"], [
      4021,
      "unreachable",
    ]] as const)
      .map(([code, end]) =>
        [`ends after ${code}`, [[0, closedBy(code)]], ["drop", `ended ${end}`]] as const
      ),
    ["resumes after 4015", [[0, closedBy(4015)]], ["drop"]],
    ["passes on what is for others", [[0, { op: OP.ClientDisconnect, d: { user_id: "5" } }]], [
      "pass 13",
    ]],
    ["ignores unknown and broken messages", [[0, { op: 99 }], [0, { op: OP.Speaking, d: 3 }], [
      0,
      {},
    ]], []],
  ];
  for (const [what, events, effects] of rows) {
    it(
      what,
      () => assert.deepEqual(play(...CONNECT, ...events).did, [...CONNECTED, ...effects]),
    );
  }

  it("sends what Discord describes", () => {
    const { sent } = play(...CONNECT, [1_500.5, "tick"], [1_600, closedBy()], [1_600, "tick"], [
      1_600,
      "opened",
    ], [1_600, HELLO]);
    const session = { server_id: "1", session_id: "s", token: "t" };
    assert.deepEqual(sent, [
      { ...session, user_id: "2", max_dave_protocol_version: 1 },
      {
        protocol: "udp",
        data: { address: "9.9.9.9", port: 9, mode: "aead_aes256_gcm_rtpsize" },
      },
      { t: 1_500, seq_ack: 4 },
      { ...session, seq_ack: 4 },
    ]);
  });

  it("says that UDP is blocked if discovery gets no answer", () => {
    const { did } = play(...CONNECT.slice(0, 4), [DISCOVERY_MS, "tick"]);
    assert.equal(did.at(-1), "ended udp_blocked");
  });

  it("refuses a server without a cipher that it knows", () => {
    const old = { ...READY, d: { ...READY.d, modes: ["xsalsa20_poly1305"] } };
    assert.equal(play(...CONNECT.slice(0, 3), [0, old]).did.at(-1), "ended unreachable");
  });

  it("keeps its number through a RESUME, and has one time for its next tick", () => {
    const { sent, dueMs } = play(...CONNECT, [10, { op: 99, seq: 65_535 }], [11, {
      op: 99,
      seq: 0,
    }], [
      500,
      "tick",
    ]);
    assert.deepEqual([sent.at(-1), dueMs], [{ t: 500, seq_ack: 0 }, 1_500]);
  });
});

describe("[V9] readServerMessage()", () => {
  it("reads messages in bytes, and the numbers of unknown ones", () => {
    const commit = Uint8Array.of(1, 2, OP.DaveMlsAnnounceCommitTransition, 0, 7, 9);
    assert.deepEqual(readServerMessage(commit), {
      seq: 258,
      message: { op: OP.DaveMlsAnnounceCommitTransition, content: commit.subarray(3) },
    });
    assert.deepEqual(readServerMessage(Uint8Array.of(1, 2, 99, 0, 7)), {
      seq: 258,
      message: undefined,
    });
    assert.deepEqual(readServerMessage(Uint8Array.of(1, 2)), {});
    assert.deepEqual(readServerMessage("no JSON"), { seq: undefined, message: undefined });
    for (const d of [{}, { user_id: "x", ssrc: 1 }, { user_id: "11", ssrc: "1" }, null, 7]) {
      assert.equal(readServerMessage(JSON.stringify({ op: OP.Speaking, d })).message, undefined);
    }
  });
});

const ANNA = userId("11");

/** A machine over a library that records its calls, and fails where a test wants it to. */
function daveOf() {
  const did: string[] = [];
  const failing = new Set<string>();
  let ready = false;
  const call = (name: string) => {
    if (failing.has(name)) throw new Error(name);
    did.push(name);
  };
  const session: DaveSession = {
    get ready() {
      return ready;
    },
    setExternalSender: () => call("sender"),
    getSerializedKeyPackage: () => Buffer.from("k"),
    processProposals: (operation, _, people) => {
      call(`proposals ${operation} ${people.join()}`);
      return { commit: Buffer.from("c"), welcome: Buffer.from("w") };
    },
    processCommit: () => (call("commit"), void (ready = true)),
    processWelcome: () => (call("welcome"), void (ready = true)),
    encryptOpus: (frame) => Buffer.concat([frame, Buffer.from("!")]),
    decrypt: (_, __, frame) => (call("decrypt"), frame),
    setPassthroughMode: (isOn) => call(`passthrough ${isOn}`),
    reinit: () => (call("reinit"), void (ready = false)),
    reset: () => call("reset"),
  };
  const dave = createDave({
    userId: "2",
    channelId: "3",
    createSession: () => (call("create"), session),
    send: (op, d) => did.push(`${op} ${JSON.stringify(d)}`),
    sendBytes: (op, content) => did.push(`${op} ${Buffer.from(content)}`),
    failed: () => did.push("failed"),
  });
  const bytes = (op: number, ...content: number[]) => {
    const { message } = readServerMessage(Uint8Array.of(0, 1, op, ...content));
    assert.ok(message);
    dave.receive(message);
  };
  const json = (op: number, d: object) => {
    const { message } = readServerMessage(JSON.stringify({ op, d }));
    assert.ok(message);
    dave.receive(message);
  };
  const take = () => did.splice(0);
  return { dave, failing, bytes, json, take };
}

describe("[V9] createDave()", () => {
  it("joins a group with the people of the call, and follows its changes", () => {
    const { dave, bytes, json, take } = daveOf();
    bytes(OP.DaveMlsExternalSender, 1, 2);
    json(OP.ClientsConnect, { user_ids: ["11", "2"] });
    dave.start(1);
    assert.deepEqual(take(), ["create", "sender", "26 k"]);
    assert.equal(dave.isReady(), false);
    bytes(OP.DaveMlsProposals, 0, 5);
    assert.deepEqual(take(), ["proposals 0 2,11", "28 cw"]);
    bytes(OP.DaveMlsAnnounceCommitTransition, 0, 0, 5);
    assert.deepEqual([take(), dave.isReady()], [["commit"], true]);
    bytes(OP.DaveMlsProposals, 1, 5);
    bytes(OP.DaveMlsAnnounceCommitTransition, 0, 9, 5);
    json(OP.DaveExecuteTransition, { transition_id: 9 });
    assert.deepEqual(take(), ["proposals 1 2,11", "28 cw", "commit", '23 {"transition_id":9}']);
    json(OP.DavePrepareEpoch, { epoch: 1, protocol_version: 1 });
    assert.deepEqual([take(), dave.isReady()], [["reinit", "sender", "26 k"], false]);
    bytes(OP.DaveMlsWelcome, 0, 0, 5);
    assert.equal(dave.isReady(), true);
  });

  it("reports a commit that does not fit, and joins anew", () => {
    const { dave, bytes, failing, take } = daveOf();
    dave.start(1);
    failing.add("commit");
    take();
    bytes(OP.DaveMlsAnnounceCommitTransition, 0, 7, 5);
    assert.deepEqual(take(), ['31 {"transition_id":7}', "reinit", "26 k"]);
    bytes(OP.DaveMlsAnnounceCommitTransition, 0, 8, 5); // was on its way
    assert.deepEqual(take(), []);
    failing.clear();
    bytes(OP.DaveMlsWelcome, 0, 9, 5);
    assert.deepEqual(take(), ["welcome", '23 {"transition_id":9}']);
    failing.add("commit");
    bytes(OP.DaveMlsAnnounceCommitTransition, 0, 10, 5);
    assert.deepEqual(take(), ['31 {"transition_id":10}', "reinit", "26 k"]);
  });

  it("goes to unencrypted sound and back only by a transition that was executed", () => {
    const { dave, bytes, json } = daveOf();
    dave.start(1);
    bytes(OP.DaveMlsAnnounceCommitTransition, 0, 0, 5);
    const frame = Buffer.from("frame");
    assert.equal(String(dave.encrypt(frame)), "frame!");
    json(OP.DavePrepareTransition, { transition_id: 5, protocol_version: 0 });
    assert.equal(String(dave.encrypt(frame)), "frame!");
    json(OP.DaveExecuteTransition, { transition_id: 6 });
    assert.equal(dave.isEndToEnd(), true);
    json(OP.DaveExecuteTransition, { transition_id: 5 });
    assert.equal(String(dave.encrypt(frame)), "frame");
    assert.equal(dave.isEndToEnd(), false);
  });

  it("keeps no more than can exist: one transition, and 10,000 people", () => {
    const { dave, bytes, json, take } = daveOf();
    dave.start(1);
    for (let id = 1; id <= 100; id++) {
      json(OP.DavePrepareTransition, { transition_id: id, protocol_version: 0 });
    }
    for (let id = 1; id < 100; id++) json(OP.DaveExecuteTransition, { transition_id: id });
    assert.equal(dave.isEndToEnd(), true);
    json(OP.DaveExecuteTransition, { transition_id: 100 });
    assert.equal(dave.isEndToEnd(), false);
    for (let from = 100; from < 20_100; from += 100) {
      json(OP.ClientsConnect, { user_ids: Array.from({ length: 100 }, (_, at) => `${from + at}`) });
    }
    take();
    bytes(OP.DaveMlsProposals, 0, 5);
    assert.equal(take()[0]?.split(",").length, 10_001);
  });

  it("drops frames that it cannot decrypt, and joins anew after fifty in a row", () => {
    const { dave, bytes, failing, take } = daveOf();
    dave.start(1);
    bytes(OP.DaveMlsAnnounceCommitTransition, 0, 0, 5);
    failing.add("decrypt");
    take();
    for (let frame = 0; frame < 49; frame++) {
      assert.equal(dave.decrypt(ANNA, Buffer.from("frame")), undefined);
    }
    assert.deepEqual(take(), []);
    dave.decrypt(ANNA, Buffer.from("frame"));
    assert.equal(take()[0], '31 {"transition_id":0}');
    const silence = Uint8Array.of(0xf8, 0xff, 0xfe);
    assert.equal(dave.decrypt(ANNA, silence), silence);
    bytes(OP.DaveMlsWelcome, 0, 0, 5);
    take();
    for (let frame = 0; frame < 99; frame++) dave.decrypt(ANNA, Buffer.from("frame"));
    assert.deepEqual(take(), []);
    dave.decrypt(ANNA, Buffer.from("frame"));
    assert.equal(take()[0], '31 {"transition_id":0}');
  });

  it("repeats after a RESUME what may be lost: its key package, or its commit", () => {
    const { dave, bytes, take } = daveOf();
    dave.start(1);
    take();
    dave.resumed();
    assert.deepEqual(take(), ['31 {"transition_id":0}', "reinit", "26 k"]);
    bytes(OP.DaveMlsWelcome, 0, 0, 5);
    bytes(OP.DaveMlsProposals, 0, 5);
    take();
    dave.resumed();
    assert.deepEqual(take(), ["28 cw"]);
    bytes(OP.DaveMlsAnnounceCommitTransition, 0, 0, 5);
    take();
    dave.resumed();
    assert.deepEqual(take(), []);
  });

  it("takes a sender for the next group, and gives up one that is wrong", () => {
    const { dave, bytes, failing, json, take } = daveOf();
    dave.start(1);
    bytes(OP.DaveMlsAnnounceCommitTransition, 0, 0, 5);
    failing.add("sender");
    take();
    bytes(OP.DaveMlsExternalSender, 1, 2);
    assert.deepEqual([take(), dave.isReady()], [[], true]);
    json(OP.DavePrepareEpoch, { epoch: 1, protocol_version: 1 });
    assert.deepEqual(take(), ["reinit", "failed"]);
  });

  it("gives up a group that is never ready, if there are others", () => {
    const { dave, json, take } = daveOf();
    dave.start(1);
    dave.tick(0);
    dave.tick(10 * GROUP_MS);
    json(OP.ClientsConnect, { user_ids: ["11"] });
    take();
    const seen = Array.from({ length: 6 }, (_, at) => (dave.tick(at * GROUP_MS), take().at(-1)));
    assert.deepEqual(seen.filter(Boolean), ["26 k", "26 k", "failed"]);
  });
});

describe("[V9] createPlayer()", () => {
  function playerOf() {
    const log: string[] = [];
    const times: number[] = [];
    let canSend = true;
    const cells = new Map<number, PlayedSamples>();
    const player = createPlayer({
      canSend: () => canSend,
      send(pcm, timestamp) {
        log.push(pcm ? `${pcm[0]}` : "-");
        times.push(timestamp / 960);
      },
      speaking: (isNow) => log.push(isNow ? "<" : ">"),
      played: (id, isWhole) =>
        log.push(`${id}:${(cells.get(id)?.[0] ?? NaN) / 24}${isWhole ? "" : "!"}`),
    });
    const add = (id: number) => {
      const cell = new Int32Array(new SharedArrayBuffer(4));
      cells.set(id, cell);
      player.add(id, cell);
    };
    /** Runs a perfect timer up to a time. */
    let at = 0;
    const runTo = (end: number) => {
      for (let next = player.step(at); next !== undefined && next <= end; next = player.step(at)) {
        at = next;
      }
      at = end;
      return log.splice(0).join(" ");
    };
    return {
      player: { ...player, add },
      runTo,
      times,
      log,
      setSending: (can: boolean) => void (canSend = can),
    };
  }
  const pcm = (ms: number, value: number) => new Int16Array(ms * 24).fill(value);

  it("plays speeches in their order, and silence after the last", () => {
    const { player, runTo, times } = playerOf();
    player.add(1);
    player.add(2);
    player.write(2, pcm(20, 8));
    player.write(1, pcm(30, 7));
    player.write(1, pcm(5, 7));
    player.end(1);
    player.end(2);
    assert.equal(runTo(400), "< 7 7 1:35 8 2:20 - - - - - >");
    assert.deepEqual(times, [0, 1, 2, 3, 4, 5, 6, 7]);
  });

  it("is silent while sound is late, and then goes on in its time", () => {
    const { player, runTo, times } = playerOf();
    player.add(1);
    player.write(1, pcm(20, 7));
    assert.equal(runTo(1_000), "< 7 - - - - - >");
    player.write(1, pcm(20, 9));
    player.end(1);
    assert.equal(runTo(2_000), "< 9 1:40 - - - - - >");
    assert.ok((times[6] ?? 0) >= 50, "a receiver knows how long the silence was");
  });

  it("is silent while it is held, and then goes on where it was", () => {
    const { player, runTo } = playerOf();
    player.add(1);
    player.write(1, pcm(20, 7));
    player.write(1, pcm(20, 9));
    player.end(1);
    player.step(0);
    player.hold(true);
    assert.equal(runTo(1_000), "< 7 - - - - - >");
    player.hold(false);
    assert.equal(runTo(2_000), "< 9 1:40 - - - - - >");
  });

  it("makes up for a late timer, and not for a sleep", () => {
    const { player, log } = playerOf();
    player.add(1);
    player.write(1, pcm(60_000, 7));
    player.step(0);
    player.step(100);
    assert.equal(log.length, 7);
    player.step(10_000);
    assert.equal(log.length, 8);
  });

  it("keeps its rate with any timer", () => {
    const { player, log } = playerOf();
    player.add(1);
    player.write(1, pcm(60_000, 7));
    for (let at = 0, late = 3; at < 30_000; late = late * 7 % 31) {
      at = (player.step(at) ?? at) + late;
    }
    assert.ok(Math.abs(log.length - 1_501) < 4, `${log.length}`);
  });

  it("stops in the middle, keeps what waits for encryption, and ends with the call", () => {
    const { player, runTo, setSending } = playerOf();
    player.add(1);
    player.write(1, pcm(1_000, 7));
    setSending(false);
    assert.equal(runTo(200), "");
    setSending(true);
    assert.equal(runTo(220).startsWith("< 7"), true);
    player.stop(1);
    assert.match(runTo(600), /^1:\d0! - - - - - >$/);
    player.add(2);
    player.add(3);
    player.end(3);
    player.stopAll();
    assert.equal(runTo(700), "2:0! 3:0!");
  });
});
