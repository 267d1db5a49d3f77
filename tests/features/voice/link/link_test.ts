import assert from "node:assert/strict";
import type { Socket } from "node:dgram";
import { EventEmitter } from "node:events";
import { describe, it } from "node:test";
import { VoiceOpcodes as OP } from "discord-api-types/voice/v8";
import type { DaveSession } from "../../../../src/features/voice/dave.ts";
import { discoveryRequest } from "../../../../src/features/voice/transport.ts";
import { createReceiver } from "../../../../src/features/voice/receiver.ts";
import { openLink } from "../../../../src/features/voice/link.ts";
import { FakeClock } from "../../../support/fake_clock.ts";

const TARGET = {
  url: "ws://x",
  guildId: "1",
  userId: "2",
  channelId: "3",
  sessionId: "s",
  token: "t",
};

/** A connection to a server that accepts each WebSocket, and sends what the test tells. */
function linkOf() {
  const clock = new FakeClock(0);
  const opened: number[] = [];
  const sockets: WebSocket[] = [];
  const ends: string[] = [];
  const ready: boolean[] = [];
  const closed: unknown[] = [];
  /** The bytes of each datagram. */
  const sent: number[] = [];
  const send = ({ length }: Uint8Array) => sent.push(length);
  const udp = Object.assign(new EventEmitter(), { send, close: () => closed.push("udp") });
  const receiver = createReceiver({
    opus: { takeDecoder: () => undefined },
    rules: () => ({ pauseMs: 500, longestMs: 30_000 }),
    tell: () => {},
    onSound: () => {},
  });
  const link = openLink(TARGET, {
    now: clock.now,
    after: clock.schedule,
    random: () => 0.1,
    openWebSocket() {
      const socket = {
        readyState: WebSocket.OPEN,
        close: (code: number) => closed.push(code),
        send: () => {},
      } as unknown as WebSocket;
      opened.push(clock.now());
      sockets.push(socket);
      clock.schedule(() => socket.onopen?.(new Event("open")), 0);
      return socket;
    },
    openUdp: () => udp as unknown as Socket,
  }, () =>
    ({
      getSerializedKeyPackage: () => new Uint8Array(),
      setPassthroughMode: () => {},
    }) as unknown as DaveSession, {
    opus: { encode: () => new Uint8Array() },
    receiver,
    tell: (told) => told.kind === "ready" ? ready.push(told.isEndToEnd) : ends.push(told.end),
  });
  const tell = (data: string | ArrayBuffer) =>
    sockets.at(-1)?.onmessage?.(new MessageEvent("message", { data }));
  return { clock, opened, ends, ready, udp, tell, sent, link, closed };
}

describe("[V9] openLink()", () => {
  it("gives up a silent server after each step's ten seconds, and waits no longer than planned", () => {
    const { clock, opened, ends } = linkOf();
    clock.advance(100_000);
    assert.deepEqual(opened, [0, 10_000, 20_500, 31_500, 43_500, 57_500]);
    assert.deepEqual(ends, ["refresh"]);
  });

  it("tells each change of end-to-end encryption, and sends no frame without its keys", () => {
    const { clock, ready, udp, tell, sent, link, closed } = linkOf();
    const say = (op: number, d: object) => tell(JSON.stringify({ op, d }));
    const [modes, ip] = [["aead_aes256_gcm_rtpsize"], "1.2.3.4"];
    clock.advance(1);
    say(OP.Hello, { heartbeat_interval: 1_000 });
    say(OP.Ready, { ssrc: 1, ip, port: 5, modes });
    const answer = discoveryRequest(1);
    answer[1] = 2;
    udp.emit("message", answer, { address: ip, port: 5 });
    const [mode] = modes;
    const secret_key = Array(32).fill(1);
    say(OP.SessionDescription, { mode, secret_key, dave_protocol_version: 1 });
    for (const protocol_version of [1, 0, 0, 1]) {
      say(OP.DavePrepareTransition, { transition_id: 0, protocol_version });
      link.send(undefined, 0);
    }
    assert.deepEqual(ready, [true, false, true]);
    assert.deepEqual(sent, [discoveryRequest(1).length, 35, 35]);
    link.close();
    assert.deepEqual(closed, [1000, "udp"]);
  });

  it("reads no message of more than a million characters or bytes, and asks for another server", () => {
    for (const long of [" ".repeat(1_000_001), new ArrayBuffer(1_000_001)]) {
      const { clock, opened, ends, tell } = linkOf();
      clock.advance(10);
      tell(JSON.stringify({ op: 99, d: "a".repeat(999_000) }));
      assert.deepEqual(ends, []);
      tell(long);
      clock.advance(100_000);
      assert.deepEqual([opened, ends], [[0], ["refresh"]]);
    }
  });
});
