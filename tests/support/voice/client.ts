/**
 * A minimal voice client, which shares no code with the bot: it joins a call of the simulator as an
 * application, speaks and listens, with end-to-end encryption of the reference library.
 */

import { Buffer } from "node:buffer";
import { createSocket } from "node:dgram";
import type { DaveLibrary } from "../../../simulator/voice/person.ts";
import { type Mode, openPacket, sealPacket } from "../../../simulator/voice/packets.ts";
import { encodeRecording } from "../../../simulator/voice/person.ts";
import type { RawGateway } from "../../simulator/raw_client.ts";

export interface VoiceMessage {
  readonly op: number;
  readonly seq?: number;
  readonly d: Record<string, unknown>;
}

export interface VoiceClientOptions {
  readonly guildId: string;
  readonly channelId: string;
  readonly userId: string;
  readonly mode?: Mode;
  /** Absent: a client without end-to-end encryption. */
  readonly library?: DaveLibrary;
}

export interface RawVoice {
  /** JSON messages, in order; binary ones as `{ op, seq, d: {} }`. */
  readonly messages: readonly VoiceMessage[];
  /** Opus frames by the SSRC of their speaker. */
  readonly heard: ReadonlyMap<number, { readonly timestamp: number; readonly opus: Uint8Array }[]>;
  /** Packets that it could not open or decrypt. */
  unreadable(): number;
  /** Resolves with the close code of the current connection. */
  closed(): Promise<number>;
  send(message: unknown): void;
  sendBinary(op: number, body: Uint8Array): void;
  message(op: number): Promise<VoiceMessage>;
  isEncrypted(): boolean;
  /** Speaks a recording in real time. */
  speak(pcm: Int16Array): Promise<void>;
  /** Breaks the connection, and asks to resume. */
  resume(): Promise<void>;
  close(code?: number): Promise<void>;
}

/** Joins by op 4. It takes the gateway's events, and needs the intent for voice states. */
export async function joinVoice(
  gateway: RawGateway,
  { guildId, channelId, userId, mode = "aead_aes256_gcm_rtpsize", library }: VoiceClientOptions,
): Promise<RawVoice> {
  const from = gateway.frames.length;
  const next = (t: string, fits: (d: Record<string, unknown>) => boolean) =>
    gateway.frame((frame) =>
      frame.t === t && gateway.frames.indexOf(frame) >= from && fits(frame.d ?? {})
    );
  gateway.send({
    op: 4,
    d: { guild_id: guildId, channel_id: channelId, self_mute: false, self_deaf: false },
  });
  const state = await next("VOICE_STATE_UPDATE", (d) => d["user_id"] === userId);
  const told = await next("VOICE_SERVER_UPDATE", () => true);
  const session = {
    server_id: guildId,
    session_id: String(state.d?.["session_id"]),
    token: String(told.d?.["token"]),
  };
  const url = `ws://${told.d?.["endpoint"]}/?v=8`;
  const messages: VoiceMessage[] = [];
  const waiting = new Set<() => void>();
  const heard = new Map<number, { readonly timestamp: number; readonly opus: Uint8Array }[]>();
  const speakers = new Map<number, string>();
  const known = new Set<string>([userId]);
  const udp = createSocket("udp4");
  const dave = library && new library.DAVESession(1, userId, channelId);
  let unreadable = 0;
  let counter = 0;
  let lastSeq = -1;
  let server = { ip: "", port: 0, ssrc: 0 };
  let key = new Uint8Array();
  let socket = new WebSocket(url);
  let closed: Promise<number> = Promise.resolve(0);

  const send = (message: unknown) => socket.send(JSON.stringify(message));
  const sendBinary = (op: number, body: Uint8Array) =>
    socket.send(Buffer.concat([Buffer.from([op]), body]));
  const message = (op: number) =>
    new Promise<VoiceMessage>((resolve) => {
      const look = () => {
        const found = messages.find((one) => one.op === op);
        if (!found) return;
        waiting.delete(look);
        resolve(found);
      };
      waiting.add(look);
      look();
    });
  const take = (one: VoiceMessage) => {
    messages.push(one);
    if (one.seq !== undefined) lastSeq = one.seq;
    for (const id of one.op === 11 ? one.d["user_ids"] as string[] : []) known.add(id);
    if (one.op === 13) known.delete(String(one.d["user_id"]));
    if (one.op === 5) speakers.set(Number(one.d["ssrc"]), String(one.d["user_id"]));
    if (one.op === 24 && one.d["epoch"] === 1) {
      dave?.reinit(1, userId, channelId);
      if (dave) sendBinary(26, dave.getSerializedKeyPackage());
    }
    for (const look of [...waiting]) look();
  };
  const takeKeys = (op: number, body: Buffer) => {
    if (dave && op === 25) {
      dave.setExternalSender(body);
      sendBinary(26, dave.getSerializedKeyPackage());
    }
    if (dave && op === 27) {
      const made = dave.processProposals(body.readUInt8(0) ? 1 : 0, body.subarray(1), [...known]);
      if (made?.commit) sendBinary(28, Buffer.concat([made.commit, made.welcome ?? Buffer.of()]));
    }
    if (dave && (op === 29 || op === 30)) {
      if (op === 29) dave.processCommit(body.subarray(2));
      else dave.processWelcome(body.subarray(2));
      const id = body.readUInt16BE(0);
      if (id !== 0) send({ op: 23, d: { transition_id: id } });
    }
  };
  const takeBinary = (bytes: Buffer) => {
    const [seq, op, body] = [bytes.readUInt16BE(0), bytes.readUInt8(2), bytes.subarray(3)];
    try {
      takeKeys(op, body);
    } catch {
      // `sendUnknown` sends messages that are none; a call without keys fails its test
    }
    take({ op, seq, d: {} });
  };
  const begin = (hello: unknown) => {
    socket.binaryType = "arraybuffer";
    socket.onopen = () => send(hello);
    socket.onmessage = ({ data }) =>
      typeof data === "string" ? take(JSON.parse(data)) : takeBinary(Buffer.from(data));
    closed = new Promise((resolve) => {
      socket.onclose = ({ code }) => resolve(code);
    });
  };
  const sendUdp = (packet: Uint8Array) => udp.send(packet, server.port, server.ip);

  udp.on("message", (packet: Buffer) => {
    if (key.length === 0 || packet.length === 8) return;
    const media = openPacket(mode, key, packet);
    const from = media && speakers.get(media.ssrc);
    const isStranger = dave !== undefined && from === undefined;
    if (media?.payloadType !== 120 || isStranger) return void unreadable++;
    if (media.payload.length === 3) return; // silence
    try {
      const opus = dave && from ? dave.decrypt(from, 0, Buffer.from(media.payload)) : media.payload;
      const frames = heard.get(media.ssrc) ?? [];
      heard.set(media.ssrc, frames);
      frames.push({ timestamp: media.timestamp, opus });
    } catch {
      unreadable += 1;
    }
  });
  begin({ op: 0, d: { ...session, user_id: userId, max_dave_protocol_version: library ? 1 : 0 } });

  const connected = async () => {
    const { d } = await message(2);
    server = { ip: String(d["ip"]), port: Number(d["port"]), ssrc: Number(d["ssrc"]) };
    const request = Buffer.alloc(74);
    request.writeUInt16BE(1, 0);
    request.writeUInt16BE(70, 2);
    request.writeUInt32BE(server.ssrc, 4);
    const answer = await new Promise<Buffer>((resolve) => {
      udp.once("message", resolve);
      sendUdp(request);
    });
    const address = answer.toString("latin1", 8, answer.indexOf(0, 8));
    const data = { address, port: answer.readUInt16BE(72), mode };
    send({ op: 1, d: { protocol: "udp", data } });
    key = Uint8Array.from((await message(4)).d["secret_key"] as number[]);
    send({ op: 5, d: { speaking: 1, delay: 0, ssrc: server.ssrc } });
  };
  await Promise.race([connected(), closed]);

  return {
    messages,
    heard,
    unreadable: () => unreadable,
    closed: () => closed,
    send,
    sendBinary,
    message,
    isEncrypted: () => dave?.ready ?? false,
    async speak(pcm) {
      const begin = performance.now();
      for (const [index, opus] of (await encodeRecording(pcm)).entries()) {
        const wait = begin + index * 20 - performance.now();
        if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
        const isPlain = opus.length === 3 || !dave?.ready;
        const payload = isPlain ? opus : dave.encryptOpus(Buffer.from(opus));
        const place = { ssrc: server.ssrc, sequence: index, timestamp: index * 960 };
        sendUdp(sealPacket(mode, key, counter++, { ...place, payloadType: 120, payload }));
      }
    },
    async resume() {
      const old = closed;
      socket.close(4_500);
      await old;
      socket = new WebSocket(url);
      begin({ op: 7, d: { ...session, seq_ack: lastSeq } });
      await Promise.race([message(9), closed]);
    },
    async close(code = 1_000) {
      socket.close(code);
      await closed;
      udp.close();
    },
  };
}
