/**
 * Reads the messages of a voice server, in JSON or, for some of end-to-end encryption, in bytes.
 *
 * @see {@link https://docs.discord.com/developers/topics/opcodes-and-status-codes#voice}
 */

import { VoiceOpcodes as OP } from "discord-api-types/voice/v8";
import { readSnowflake, type UserId } from "../../../../core/discord/ids.ts";
import { isRecord, parseForeignJson } from "../../../../lib/text/json.ts";

export type Guard<Value> = (value: unknown) => value is Value;

// Without a library, which would take 8 MB of the thread.
const number = (value: unknown): value is number => Number.isFinite(value);
const text = (value: unknown): value is string => typeof value === "string";
const user = (value: unknown): value is UserId => readSnowflake(value) !== undefined;
const listOf = <Item>(is: Guard<Item>): Guard<readonly Item[]> => (value) =>
  Array.isArray(value) && value.every(is);
/** Servers without end-to-end encryption leave it out. */
const version = (value: unknown): value is number | undefined =>
  value === undefined || number(value);

/** The fields of each message's `d` that we use. */
const FIELDS = {
  [OP.Ready]: { ssrc: number, ip: text, port: number, modes: listOf(text) },
  [OP.SessionDescription]: {
    ...{ mode: text, secret_key: listOf(number), dave_protocol_version: version },
  },
  [OP.Speaking]: { user_id: user, ssrc: number },
  [OP.HeartbeatAck]: {},
  [OP.Hello]: { heartbeat_interval: number },
  [OP.Resumed]: {},
  [OP.ClientsConnect]: { user_ids: listOf(user) },
  [OP.ClientDisconnect]: { user_id: user },
  [OP.DavePrepareTransition]: { transition_id: number, protocol_version: number },
  [OP.DaveExecuteTransition]: { transition_id: number },
  [OP.DavePrepareEpoch]: { epoch: number, protocol_version: number },
};

/** A message of the voice server in JSON. */
export type JsonMessage = {
  [Op in keyof typeof FIELDS]: {
    readonly op: Op;
    readonly d: {
      readonly [Field in keyof (typeof FIELDS)[Op]]: (typeof FIELDS)[Op][Field] extends
        Guard<infer Value> ? Value : never;
    };
  };
}[keyof typeof FIELDS];

const BINARY = [
  OP.DaveMlsExternalSender,
  OP.DaveMlsProposals,
  OP.DaveMlsAnnounceCommitTransition,
  OP.DaveMlsWelcome,
] as const;

export type ServerMessage =
  | JsonMessage
  /** A message in bytes, after its number and operation. */
  | { readonly op: (typeof BINARY)[number]; readonly content: Uint8Array };

function isJsonMessage(value: unknown): value is JsonMessage {
  if (!isRecord(value)) return false;
  const { op, d } = value;
  const [, fields] = Object.entries(FIELDS).find(([known]) => known === String(op)) ?? [];
  const content = isRecord(d) ? d : {};
  return fields !== undefined &&
    Object.entries(fields).every(([name, is]) => is(content[name]));
}

/** A message as it came. */
export interface ReadMessage {
  /** Its number, which a RESUME names. */
  readonly seq?: number | undefined;
  /** Absent: it is unknown, or does not fit. */
  readonly message?: ServerMessage | undefined;
}

export function readServerMessage(data: string | Uint8Array): ReadMessage {
  if (typeof data === "string") {
    const value = parseForeignJson(data);
    const seq = isRecord(value) && typeof value["seq"] === "number" ? value["seq"] : undefined;
    return { seq, message: isJsonMessage(value) ? value : undefined };
  }
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  if (data.length < 5) return {};
  const seq = view.getUint16(0);
  const op = BINARY.find((known) => known === view.getUint8(2));
  return { seq, message: op && { op, content: data.subarray(3) } };
}
