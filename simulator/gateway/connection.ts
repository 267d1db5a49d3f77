/**
 * One connection to the gateway: Discord's protocol from HELLO to the close code.
 *
 * It is strict on purpose: it closes the connection for the same mistakes and with the same codes
 * as Discord. So a client that works against the simulator keeps the rules.
 *
 * @see {@link https://docs.discord.com/developers/events/gateway}
 */

import type { Buffer } from "node:buffer";
import type { UserId } from "../../src/core/discord/ids.ts";
import type { VoiceWish } from "../world/voice_states.ts";
import type { Account, Accounts, ShownPresence } from "./accounts.ts";
import { createEncoder, parseCompression } from "./compression.ts";
import type { Dispatch, Viewer } from "./dispatches.ts";
import type { GatewaySwitches } from "../notes/faults.ts";
import {
  CLOSE,
  type CloseName,
  type Identify,
  MAX_CLIENT_PAYLOAD_BYTES,
  parseFrame,
  type Presence,
  type RequestMembers,
  type Resume,
} from "./frames.ts";
import { forgetUpTo, type Session, type Sessions } from "./sessions.ts";
import type { LinkListener, SocketLink } from "./socket.ts";
import { createHeartbeatMonitor } from "./heartbeat.ts";
import { areKnownIntents, askTooMuch } from "../world/intents.ts";
import { type IdentifyLimit, spendIdentify } from "./identify_limit.ts";

/** Payloads that a client may send in a minute, heartbeats included. */
const MAX_PAYLOADS_PER_MINUTE = 120;

/** Everything that a connection needs from its gateway. */
export interface ConnectionDeps {
  readonly now: () => number;
  readonly random: () => number;
  readonly heartbeatIntervalMs: number;
  readonly identifyLimit: IdentifyLimit;
  readonly accounts: Accounts;
  readonly sessions: Sessions;
  readonly switches: GatewaySwitches;
  /** Called when a session got a connection. */
  readonly changed: () => void;
  /** READY and the guilds of a new session. */
  greet(session: Session): void;
  /** The answer to op 8. */
  membersOf(request: RequestMembers, viewer: Viewer): readonly Dispatch[];
  dispatch(session: Session, dispatch: Dispatch): void;
  /** Carries out op 4. */
  voice(userId: UserId, sessionId: string, wish: VoiceWish): void;
  /** Ends every session of an account whose token was reset. */
  revoke(account: Account): void;
}

/** An open connection, for the gateway's faults. */
export interface GatewayConnection {
  readonly session: Session | undefined;
  send(text: string): void;
  /** Sends op 7 or 9, which are not dispatches. */
  sendOp(op: number, d: unknown): void;
  close(code: number, reason: string): void;
  /** Detaches the session, so that the client may IDENTIFY again on this connection. */
  release(): void;
  readonly link: SocketLink;
}

/** Creates the server's end of the protocol on a link. */
export function createGatewayConnection(
  link: SocketLink,
  deps: ConnectionDeps,
  ended: (connection: GatewayConnection) => void,
): { readonly connection: GatewayConnection; readonly listener: LinkListener } {
  const { now, switches, heartbeatIntervalMs } = deps;
  const compression = parseCompression(link.target.searchParams.get("compress"));
  const encoder = createEncoder(compression ?? "none", (data) => link.send(data));
  const timers = new Set<ReturnType<typeof setTimeout>>();
  const sentAt: number[] = [];
  let session: Session | undefined;
  let isOver = false;

  const later = (ms: number, action: () => void) => {
    const timer = setTimeout(() => {
      timers.delete(timer);
      action();
    }, ms);
    timers.add(timer);
    return () => {
      clearTimeout(timer);
      timers.delete(timer);
    };
  };
  const send = (text: string) => {
    if (!isOver) encoder.write(text);
  };
  const sendOp = (op: number, d: unknown) => send(JSON.stringify({ t: null, s: null, op, d }));
  const close = (code: number, reason: string) => {
    if (isOver) return;
    isOver = true;
    session?.account.closes.push(code);
    encoder.after(() => link.close(code, reason));
  };
  const fail = (name: CloseName) => {
    const [code, reason] = CLOSE[name];
    close(code, reason);
  };
  const connection: GatewayConnection = {
    get session() {
      return session;
    },
    send,
    sendOp,
    close,
    release() {
      if (session) session.connection = undefined;
      session = undefined;
    },
    link,
  };

  const detach = () => {
    if (session?.connection !== connection) return;
    session.connection = undefined;
    session.detachedAt = now();
    deps.changed();
  };

  const heartbeat = createHeartbeatMonitor({
    now,
    intervalMs: heartbeatIntervalMs,
    later,
    stopped() {
      if (session) deps.sessions.drop(session);
      fail("sessionTimedOut");
    },
  });

  const beat = (seq: number | null) => {
    if (seq !== null && session && seq > session.seq) return fail("invalidSeq");
    heartbeat.beat(session, seq);
    if (switches.forgetsNamed && session && seq !== null) forgetUpTo(session, seq);
    if (!switches.swallowAcks) sendOp(11, null);
  };

  const show = (presence: Presence | null | undefined, via: ShownPresence["via"]) => {
    if (!session || !presence) return;
    session.account.presences.push({ ...presence, at: now(), sessionId: session.id, via });
    deps.changed();
  };

  const attach = (to: Session) => {
    to.connection?.close(4000, "Session resumed on another connection.");
    session = to;
    to.connection = connection;
    to.detachedAt = undefined;
    to.account.connections += 1;
    deps.changed();
  };

  const identify = (payload: Identify) => {
    const account = byGatewayToken(deps.accounts, payload.token);
    if (!account) return fail("authenticationFailed");
    const { intents } = payload;
    if (intents === undefined || !areKnownIntents(intents)) return fail("invalidIntents");
    if (askTooMuch(intents, account.application.privilegedIntents)) {
      return fail("disallowedIntents");
    }

    const verdict = spendIdentify(account, deps.identifyLimit, now());
    const code = switches.closeOnIdentify.shift();
    if (code !== undefined) return close(code, "Told to close.");
    if (verdict === "exhausted") {
      deps.revoke(account);
      return fail("authenticationFailed");
    }
    if (verdict === "too_soon") return sendOp(9, false);
    const { userId } = account.application;
    attach(deps.sessions.open(account, { userId, intents }));
    show(payload.presence, "identify");
    if (session) deps.greet(session);
  };

  const resume = ({ token, session_id: id, seq }: Resume) => {
    const account = byGatewayToken(deps.accounts, token);
    if (!account) return fail("authenticationFailed");
    const resumed = deps.sessions.resume(id, account, seq, now(), switches.forgetsNamed);
    account.resumes.push({
      at: now(),
      outcome: resumed.kind === "resumed" ? "resumed" : "invalid",
    });
    if (resumed.kind === "seq_from_the_future") return fail("invalidSeq");
    if (resumed.kind === "unknown") return sendOp(9, false);
    attach(resumed.session);
    if (switches.forgetsNamed) forgetUpTo(resumed.session, seq);
    for (const text of resumed.missed) send(text);
    deps.dispatch(resumed.session, { t: "RESUMED", d: {} });
  };

  const receive = (data: Buffer) => {
    if (isOver) return;
    if (data.length > MAX_CLIENT_PAYLOAD_BYTES) return fail("decodeError");
    sentAt.push(now());
    while (now() - (sentAt[0] ?? now()) >= 60_000) sentAt.shift();
    if (sentAt.length > MAX_PAYLOADS_PER_MINUTE) return fail("rateLimited");
    const frame = parseFrame(data.toString("utf8"));
    if (typeof frame === "string") return fail(frame);
    switch (frame.op) {
      case 1:
        return beat(frame.d);
      case 2:
        return session ? fail("alreadyAuthenticated") : identify(frame.d);
      case 6:
        return session ? fail("alreadyAuthenticated") : resume(frame.d);
      case 3:
        return session ? show(frame.d, "update") : fail("notAuthenticated");
      case 4:
        return session
          ? deps.voice(session.viewer.userId, session.id, frame.d)
          : fail("notAuthenticated");
      case 8: {
        if (!session) return fail("notAuthenticated");
        for (const chunk of deps.membersOf(frame.d, session.viewer)) deps.dispatch(session, chunk);
      }
    }
  };

  const start = () => {
    if (link.target.searchParams.get("v") !== "10") return fail("invalidVersion");
    if (link.target.searchParams.get("encoding") !== "json") return fail("decodeError");
    if (compression === undefined) return fail("decodeError");
    heartbeat.start();
    if (!switches.swallowHello) sendOp(10, { heartbeat_interval: heartbeatIntervalMs, _trace: [] });
  };
  start();

  return {
    connection,
    listener: {
      message: receive,
      closed(code) {
        const isOurs = isOver; // the client's code only repeats our own then
        isOver = true;
        for (const timer of timers) clearTimeout(timer);
        encoder.stop();
        if (session?.connection === connection) {
          detach();
          if (!isOurs) {
            session.account.clientCloses.push(code);
            if (code === 1000 || code === 1001) deps.sessions.drop(session);
          }
        }
        ended(connection);
      },
    },
  };
}

/**
 * The gateway takes the bare token. Discord also takes it with its prefix, which discordeno writes.
 */
function byGatewayToken(accounts: Accounts, token: string): Account | undefined {
  return accounts.byToken(token.replace(/^Bot /, ""));
}
