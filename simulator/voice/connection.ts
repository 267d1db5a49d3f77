/**
 * One WebSocket of the voice gateway, version 8: from HELLO to the close code.
 *
 * It is as strict as Discord's: it closes the connection for the same mistakes with the same codes.
 *
 * @see {@link https://docs.discord.com/developers/topics/voice-connections}
 */

import type { Buffer } from "node:buffer";
import type { LinkListener, SocketLink } from "../gateway/socket.ts";
import type { VoiceSwitches } from "./faults.ts";
import {
  parseVoiceFrame,
  type SelectProtocol,
  VOICE_CLOSE,
  type VoiceCloseName,
  type VoiceIdentify,
  type VoiceResume,
} from "./frames.ts";
import type { Credential, VoiceSession } from "./sessions.ts";

/** As at Discord. */
const HEARTBEAT_MS = 13_750;

export interface VoiceConnectionDeps {
  readonly switches: VoiceSwitches;
  /** Address and port of the server's UDP socket. */
  readonly udp: { readonly ip: string; readonly port: number };
  credentialOf(token: string): Credential | undefined;
  isKnownGuild(id: string): boolean;
  open(credential: Credential): VoiceSession;
  /** The session of a RESUME. */
  find(token: string): VoiceSession | undefined;
  /** The connection of a session broke; the client may resume. */
  lost(session: VoiceSession): void;
  /** A client closed its session. */
  left(session: VoiceSession): void;
}

export function createVoiceConnection(link: SocketLink, deps: VoiceConnectionDeps): LinkListener {
  const { switches } = deps;
  let session: VoiceSession | undefined;
  let isOver = false;
  let watch: ReturnType<typeof setTimeout> | undefined;

  const send = (op: number, d: unknown) => link.send(JSON.stringify({ op, d }));
  const connection = {
    send: (data: string | Uint8Array) => link.send(data),
    close(code: number, reason: string) {
      isOver = true;
      clearTimeout(watch);
      link.close(code, reason);
    },
    cut: () => link.cut("reset"),
  };
  const fail = (name: VoiceCloseName) => {
    const [code, reason] = VOICE_CLOSE[name];
    if (session) deps.left(session); // for a mistake, it cannot be resumed
    connection.close(code, reason);
  };
  const expectBeat = () => {
    clearTimeout(watch);
    watch = setTimeout(() => {
      fail("sessionTimeout");
    }, 2 * HEARTBEAT_MS);
  };
  const attach = (to: VoiceSession) => {
    to.connection?.close(...VOICE_CLOSE.invalidSession);
    session = to;
    to.connection = connection;
  };

  const identify = (asked: VoiceIdentify) => {
    const credential = deps.credentialOf(asked.token);
    if (!deps.isKnownGuild(asked.server_id)) return fail("serverNotFound");
    if (
      credential?.guildId !== asked.server_id || credential.userId !== asked.user_id ||
      credential.sessionId !== asked.session_id
    ) return fail("authenticationFailed");
    if (credential.room.group && !asked.max_dave_protocol_version) return fail("needsEncryption");
    attach(deps.open(credential));
    if (!session) return;
    send(2, {
      ssrc: session.ssrc,
      ...deps.udp,
      modes: [...switches.modes, "xsalsa20_poly1305_lite_rtpsize"],
      experiments: [],
      streams: [],
      heartbeat_interval: 1, // wrong at Discord, too
    });
    credential.room.connect(session);
  };

  const resume = (asked: VoiceResume) => {
    const found = switches.forgetsSessions ? undefined : deps.find(asked.token);
    const isSame = found?.credential.sessionId === asked.session_id &&
      found.credential.guildId === asked.server_id;
    const missed = isSame ? found.missedSince(asked.seq_ack ?? -1) : undefined;
    if (!found || !missed) return fail("invalidSession");
    attach(found);
    send(9, null);
    for (const data of missed) link.send(data);
  };

  const select = (
    to: VoiceSession,
    { protocol, data: { address, port, mode } }: SelectProtocol,
  ) => {
    if (protocol !== "udp") return fail("unknownProtocol");
    const known = switches.modes.find((one) => one === mode);
    if (!known) return fail("unknownMode");
    to.transport = { mode: known, address, port };
    const { group } = to.credential.room;
    to.tell(4, {
      mode,
      secret_key: [...to.key],
      dave_protocol_version: group ? 1 : 0,
      audio_codec: "opus",
      media_session_id: to.credential.room.channelId,
    });
    group?.greet(to);
  };

  const receive = (data: Buffer, isBinary: boolean) => {
    if (isOver) return;
    if (isBinary) return receiveBinary(data);
    const frame = parseVoiceFrame(data.toString("utf8"));
    if (typeof frame === "string") return fail(frame);
    if (frame.op === 3) {
      expectBeat();
      return send(6, { t: frame.d.t });
    }
    if (frame.op === 0) return session ? fail("alreadyAuthenticated") : identify(frame.d);
    if (frame.op === 7) return session ? fail("alreadyAuthenticated") : resume(frame.d);
    if (!session) return fail("notAuthenticated");
    const { room } = session.credential;
    switch (frame.op) {
      case 1:
        return select(session, frame.d);
      case 5:
        if (frame.d.ssrc !== session.ssrc) return fail("badRequest");
        session.hasSpoken = true;
        return room.speaking(session, frame.d.speaking);
      case 23:
        return room.group?.ready(session.userId, frame.d.transition_id);
      case 31:
        return room.group?.invalid(session.userId);
    }
  };
  const receiveBinary = (data: Buffer) => {
    if (!session) return fail("notAuthenticated");
    const { userId, credential: { room: { group } } } = session;
    switch (data[0]) {
      case 26:
        return group?.keyPackage(userId, data.subarray(1));
      case 28:
        return group?.commit(userId, data.subarray(1));
      default:
        return fail("unknownOpcode");
    }
  };

  if (link.target.searchParams.get("v") === "8") {
    expectBeat();
    send(8, { v: 8, heartbeat_interval: HEARTBEAT_MS });
  } else fail("badRequest");

  return {
    message: receive,
    closed(code) {
      clearTimeout(watch);
      const isOurs = isOver;
      isOver = true;
      if (!session || session.connection !== connection) return;
      session.connection = undefined;
      if (!isOurs && (code === 1000 || code === 1001)) deps.left(session);
      else deps.lost(session);
    },
  };
}
