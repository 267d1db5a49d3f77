/**
 * Describes a lost connection in one log line (G3).
 *
 * The line tells the cause, who closed the connection, how long it lived, and the next step.
 */

import { durationText } from "../../../lib/text/units.ts";
import { meaningOf } from "./close_codes.ts";
import type { ReconnectPlan } from "./plan_reconnect.ts";
import type { Cause, LostConnection } from "./state.ts";

/** Log line for a session that cannot be resumed; catch-up reads its messages (G6). */
export const SESSION_LOST =
  "The session could not be resumed: catch-up reads the messages that were sent since then";

/**
 * Describes a lost connection.
 *
 * @returns `"Discord closed the connection: 4009, session timed out; it had lived 3 h 2 min; a new
 *   session in 0.7 s"`.
 */
export function closeLine({ cause, livedMs, during, next, isSessionLost }: LostConnection): string {
  const lifetime = livedMs === undefined
    ? "it was not ready yet"
    : `it had lived ${durationText(livedMs)}`;
  const sessionNote = isSessionLost ? "the session is lost; " : "";
  return `${whatHappened(cause, during)}; ${lifetime}; ${sessionNote}${whatNext(next)}`;
}

/** Label for the counter of lost connections: the close code, or the kind of cause. */
export function closeLabel(cause: Cause): string {
  if (cause.kind !== "closed") return cause.kind;
  return cause.code === undefined ? "none" : String(cause.code);
}

function whatHappened(cause: Cause, during: LostConnection["during"]): string {
  switch (cause.kind) {
    case "closed":
      if (cause.code === undefined) return networkEnd(cause.reason, during);
      return `Discord closed the connection: ${cause.code}, ${meaningOf(cause.code).name}`;
    case "late":
      return cause.waitedFor === "connection"
        ? "Barnacle gave up connecting: no answer in time"
        : `Barnacle closed the connection: ${cause.waitedFor} did not come in time`;
    case "zombie":
      return "Barnacle closed the connection: a heartbeat was not acknowledged";
    case "slept":
      return "Barnacle closed the connection: the machine slept, or its clock was set";
    case "congested":
      return "Barnacle closed the connection: it could not keep up with what arrived";
    case "hole":
      return "Barnacle closed the connection: the session lacks events";
    case "reconnect_asked":
      return "Discord asked for a new connection (op 7)";
    case "invalid_session":
      return `Discord called the session invalid (op 9, ${cause.canResume ? "" : "not "}resumable)`;
    case "garbled":
      return `Barnacle closed the connection: it could not read the data (${cause.reason})`;
  }
}

/** Describes why connecting failed, or why the network ended a connection. */
function networkEnd(reason: string, during: LostConnection["during"]): string {
  const meaning = explainReason(reason);
  const why = meaning === undefined ? reason : `${meaning} (${reason})`;
  return during === "connecting"
    ? `Could not connect: ${why}`
    : `The network ended the connection${BEFORE[during] ?? ""}: ${why}`;
}

const BEFORE: Readonly<Partial<Record<LostConnection["during"], string>>> = {
  greeting: " before HELLO",
  permitting: " before IDENTIFY",
  identifying: " before READY",
  resuming: " before RESUMED",
};

function whatNext(next: ReconnectPlan): string {
  switch (next.kind) {
    case "resume":
      return `resuming ${delayText(next.delayMs)}${next.isDown ? ", and counted as down" : ""}`;
    case "identify":
      return `a new session ${delayText(next.delayMs)}${
        next.isDown ? ", and counted as down" : ""
      }`;
    case "stop":
      return `no more tries with the same settings: ${next.hint}`;
    case "give_up":
      return "no more tries, as channels.discord.gateway.reconnect says";
  }
}

function delayText(ms: number): string {
  return ms === 0 ? "at once" : `in ${(ms / 1_000).toFixed(1)} s`;
}

const MEANINGS: readonly (readonly [RegExp, string])[] = [
  [/^(?:ENOTFOUND|EAI_\w+|ENODATA|ESERVFAIL|DNS_\w+)$/, "the name could not be looked up"],
  [/^ECONNREFUSED$/, "TCP: no server listens there"],
  [/^(?:EHOSTUNREACH|ENETUNREACH|ENETDOWN|EADDRNOTAVAIL)$/, "TCP: no route to the host"],
  [/^ETIMEDOUT$/, "TCP: no answer"],
  [
    /^(?:ECONNRESET|EPIPE|ECONNABORTED)$/,
    "TCP: the server, or a device on the way to it, reset the connection",
  ],
  [
    /^[A-Z_]*(?:CERT|SELF_SIGNED|UNABLE_TO_|HOSTNAME_MISMATCH)[A-Z_]*$|peer certificate/,
    "TLS: the certificate cannot be trusted",
  ],
  [/^(?:EPROTO|ERR_SSL_\w+|ERR_TLS_\w+)$/, "TLS: the server does not use TLS"],
  [/^HTTP \d{3}$|answer to (?:an|our) upgrade/, "the upgrade was refused"],
];

/**
 * Explains a network error.
 *
 * @returns `undefined` if the reason is unknown, or needs no explanation.
 */
export function explainReason(reason: string): string | undefined {
  return MEANINGS.find(([pattern]) => pattern.test(reason))?.[1];
}
