/**
 * A voice server of few lines, written from Discord's documentation and not from our client: it shows
 * each message, and a test sends its own.
 */

import { Buffer } from "node:buffer";
import { createCipheriv, createDecipheriv } from "node:crypto";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { WebSocketServer } from "ws";

export const KEY = Buffer.alloc(32, 7);
export const OWN_SSRC = 4321;

export interface FakeRules {
  readonly dave?: number;
  readonly isUdpBlocked?: boolean;
  readonly heartbeatMs?: number;
}

interface Told {
  readonly op: number;
  // deno-lint-ignore no-explicit-any
  readonly d: any;
}

/** A packet of sound that came, decrypted. */
export interface FakeSound {
  readonly sequence: number;
  readonly timestamp: number;
  readonly payload: Buffer;
  readonly at: number;
}

interface FakeSocket {
  send(data: string | Uint8Array): void;
  close(code: number): void;
  on(event: "message", listener: (data: Buffer, isBinary: boolean) => void): void;
}

export async function startFakeServer(rules: FakeRules = {}) {
  const { dave = 0, isUdpBlocked = false, heartbeatMs = 10_000 } = rules;
  const udp = createSocket("udp4");
  udp.bind(0, "127.0.0.1");
  await once(udp, "listening");
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  await once(server, "listening");
  const told: Told[] = [];
  const bytes: Buffer[] = [];
  const sounds: FakeSound[] = [];
  let socket: FakeSocket | undefined;
  let client: AddressInfo | undefined;
  let counter = 0;
  let onTold = (_: Told) => {};
  let onBytes = (_: Buffer) => {};
  const send = (op: number, d: unknown, seq?: number) =>
    socket?.send(JSON.stringify({ op, d, seq }));

  server.on("connection", (opened: FakeSocket) => {
    socket = opened;
    send(8, { v: 8, heartbeat_interval: heartbeatMs });
    opened.on("message", (data, isBinary) => {
      if (isBinary) {
        bytes.push(Buffer.from(data));
        return onBytes(Buffer.from(data));
      }
      const message: Told = JSON.parse(String(data));
      told.push(message);
      answer(message);
      onTold(message);
    });
  });

  function answer({ op, d }: Told): void {
    const { port } = udp.address();
    if (op === 3) send(6, { t: d.t });
    if (op === 0) {
      const modes = ["aead_xchacha20_poly1305_rtpsize", "aead_aes256_gcm_rtpsize"];
      send(2, { ssrc: OWN_SSRC, ip: "127.0.0.1", port, modes, heartbeat_interval: 1 });
    }
    if (op === 1) {
      const session = { mode: d.data.mode, secret_key: [...KEY], dave_protocol_version: dave };
      send(4, session);
    }
    if (op === 7) send(9, null);
  }

  udp.on("message", (packet: Buffer, from: AddressInfo) => {
    client = from;
    if (packet.length === 74 && packet.readUInt16BE(0) === 1) {
      if (isUdpBlocked) return;
      const reply = Buffer.alloc(74);
      reply.writeUInt16BE(2, 0);
      reply.writeUInt16BE(70, 2);
      packet.copy(reply, 4, 4, 8);
      reply.write("203.0.113.9", 8);
      reply.writeUInt16BE(5005, 72);
      return udp.send(reply, from.port, from.address);
    }
    if (packet.length <= 8) return;
    const nonce = Buffer.concat([packet.subarray(-4), Buffer.alloc(8)]);
    const cipher = createDecipheriv("aes-256-gcm", KEY, nonce).setAAD(packet.subarray(0, 12))
      .setAuthTag(packet.subarray(-20, -4));
    const payload = Buffer.concat([cipher.update(packet.subarray(12, -20)), cipher.final()]);
    const sequence = packet.readUInt16BE(2);
    sounds.push({ sequence, timestamp: packet.readUInt32BE(4), payload, at: performance.now() });
  });

  return {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}/?v=8`,
    told,
    bytes,
    sounds,
    send,
    sendBytes: (op: number, content: Uint8Array, seq = 1): void =>
      socket?.send(Buffer.concat([Buffer.from([seq >> 8, seq & 255, op]), content])),
    onTold: (listener: typeof onTold): void => void (onTold = listener),
    onBytes: (listener: typeof onBytes): void => void (onBytes = listener),
    close: (code: number): void => socket?.close(code),
    /** Sends a frame of Opus, with a header extension as Discord does. */
    speak(ssrc: number, sequence: number, payload: Uint8Array, key: Buffer = KEY): void {
      const header = Buffer.alloc(16);
      header.writeUInt16BE(0x9078, 0);
      header.writeUInt16BE(sequence & 0xffff, 2);
      header.writeUInt32BE((sequence * 960) >>> 0, 4);
      header.writeUInt32BE(ssrc, 8);
      header.writeUInt32BE(0xbede0001, 12);
      const nonce = Buffer.alloc(12);
      nonce.writeUInt32BE(counter++);
      const cipher = createCipheriv("aes-256-gcm", key, nonce).setAAD(header);
      const plain = Buffer.concat([Buffer.from([0x51, 0, 0, 0]), payload]);
      const sealed = [cipher.update(plain), cipher.final(), cipher.getAuthTag()];
      udp.send(
        Buffer.concat([header, ...sealed, nonce.subarray(0, 4)]),
        client?.port,
        client?.address,
      );
    },
    async stop(): Promise<void> {
      for (const one of server.clients ?? []) one.terminate();
      server.close();
      udp.close();
      await Promise.resolve();
    },
  };
}

export type FakeServer = Awaited<ReturnType<typeof startFakeServer>>;
