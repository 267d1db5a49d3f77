/** A voice server: a WebSocket for the talk about a call, and a UDP socket for its sound. */

import { Buffer } from "node:buffer";
import { createSocket, type RemoteInfo } from "node:dgram";
import { startSocketServer } from "../gateway/socket.ts";
import { createVoiceConnection } from "./connection.ts";
import type { VoiceSwitches } from "./faults.ts";
import { VOICE_CLOSE, type VoiceCloseName } from "./frames.ts";
import { createVoiceSession, type Credential, type VoiceSession } from "./sessions.ts";

export interface VoiceServerDeps {
  readonly host: string;
  readonly switches: VoiceSwitches;
  readonly random: () => number;
  nextSsrc(): number;
  /** Runs an act after some milliseconds, unless the simulator closes before. */
  later(ms: number, act: () => void): void;
  isKnownGuild(id: string): boolean;
}

const DISCOVERY_BYTES = 74;
const KEEP_ALIVE_BYTES = 8;
const LATE_MS = 50;
/** Milliseconds for which a session without a connection can be resumed. */
const RESUME_MS = 60_000;

export async function startVoiceServer(deps: VoiceServerDeps) {
  const { host, switches, random, later } = deps;
  const credentials = new Map<string, Credential>();
  const sessions = new Set<VoiceSession>();
  const used = new Set<string>();
  const udp = createSocket("udp4");
  let isClosed = false;

  const hits = (percent: number) => percent > 0 && random() * 100 < percent;
  const sendUdp = (packet: Uint8Array, port: number, address: string): void => {
    if (!switches.dropsUdp && !isClosed) udp.send(packet, port, address);
  };
  const forward: typeof sendUdp = (packet, port, address) => {
    if (hits(switches.lossPercent)) return;
    if (hits(switches.latePercent)) later(LATE_MS, () => sendUdp(packet, port, address));
    else sendUdp(packet, port, address);
  };
  const end = (session: VoiceSession) => {
    if (!sessions.delete(session)) return;
    session.credential.room.leave(session.userId);
  };
  const find = (token: string) =>
    [...sessions].find(({ credential }) => credential.token === token);

  udp.on("message", (packet: Buffer, { address, port }: RemoteInfo) => {
    if (packet.length === KEEP_ALIVE_BYTES) return sendUdp(packet, port, address);
    if (packet.length === DISCOVERY_BYTES && packet.readUInt16BE(0) === 1) {
      return sendUdp(discovered(packet, address, port), port, address);
    }
    if (switches.dropsUdp || packet.length < 12 || hits(switches.lossPercent)) return;
    const ssrc = packet.readUInt32BE(8);
    const session = [...sessions].find((one) => one.ssrc === ssrc);
    const media = session?.open(packet);
    if (!session || !media) return;
    if (session.hasSpoken) return session.credential.room.relay(session, media);
    session.connection?.close(4020, "Invalid SSRC: no SPEAKING came before the sound.");
  });
  await new Promise<void>((resolve, reject) => {
    udp.once("error", reject);
    udp.bind(0, host, resolve);
  });
  const socket = await startSocketServer({
    host,
    answerConnection: () => "accept",
    opened: (link) =>
      createVoiceConnection(link, {
        switches,
        udp: { ip: host, port: udp.address().port },
        credentialOf: (token) => credentials.get(token),
        isKnownGuild: deps.isKnownGuild,
        find,
        open(credential) {
          const old = find(credential.token);
          if (old) end(old); // one session for each permission
          const session = createVoiceSession(credential, deps.nextSsrc(), forward);
          sessions.add(session);
          used.add(credential.token);
          return session;
        },
        left: end,
        lost: (session) => later(RESUME_MS, () => session.connection ?? end(session)),
      }),
  });

  return {
    /** `127.0.0.1:49154`: the endpoint in VOICE_SERVER_UPDATE. */
    endpoint: `${host}:${socket.port}`,
    sessions: sessions as ReadonlySet<VoiceSession>,
    /** Permits a connection. */
    admit: (credential: Credential) => void credentials.set(credential.token, credential),
    /** Ends a permission, and a session under it. */
    expel(token: string, why: VoiceCloseName): void {
      credentials.delete(token);
      const session = find(token);
      if (!session) return;
      end(session);
      const [code, reason] = VOICE_CLOSE[why];
      session.connection?.close(code, reason);
    },
    /** Whether a permission was used, and its session is over. */
    isStale: (token: string) => used.has(token) && !find(token),
    /** Sends a datagram as it is. */
    sendUdp,
    async close(): Promise<void> {
      isClosed = true;
      await Promise.all([socket.close(), new Promise<void>((done) => udp.close(() => done()))]);
    },
  };
}

export type VoiceServer = Awaited<ReturnType<typeof startVoiceServer>>;

/** The answer to an IP discovery: the address and port that the request came from. */
function discovered(request: Buffer, address: string, port: number): Buffer {
  const answer = Buffer.alloc(DISCOVERY_BYTES);
  answer.writeUInt16BE(2, 0);
  answer.writeUInt16BE(DISCOVERY_BYTES - 4, 2);
  request.copy(answer, 4, 4, 8);
  answer.write(address, 8, "latin1");
  answer.writeUInt16BE(port, DISCOVERY_BYTES - 2);
  return answer;
}
