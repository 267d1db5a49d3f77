/** The real store, in memory or in a file, with access to its database. */

import type { DatabaseSync } from "node:sqlite";
import type { AcceptedBatch, Judged, Route } from "../../../src/core/inbound/inbox.ts";
import type { InboundMessage } from "../../../src/core/inbound/inbound.ts";
import type { AnswerPart, Frozen, OutboundMessage } from "../../../src/core/outbound/outbound.ts";
import type { StoreOptions } from "../../../src/store/store.ts";
import { ACCOUNT, guildMessage, messageId, outboundMessage } from "../discord/builders.ts";
import { createStore, openDatabase } from "./open_database.ts";
import type { Store } from "../../../src/store/store.ts";

export const ROUTE: Route = { agentId: "main", sessionKey: "agent:main:discord:channel:11" };

/** @returns A store, and `rows`, which reads its content by SQL. */
export function openTestStore(options: Partial<StoreOptions> = {}, path = ":memory:"): {
  readonly database: DatabaseSync;
  readonly store: Store;
  readonly rows: (sql: string) => readonly Record<string, unknown>[];
} {
  const database = openDatabase(path);
  const store = createStore(database, path, { elapsed: () => 0, ...options });
  const rows = (sql: string) => database.prepare(sql).all().map((row) => ({ ...row }));
  return { database, store, rows };
}

/** A batch, empty except for the named fields. */
export function batch(fields: Partial<AcceptedBatch> = {}): AcceptedBatch {
  return { ...found(), heard: 1, ...fields };
}

/** A batch that was read over REST. */
export function found(fields: Omit<Partial<AcceptedBatch>, "heard"> = {}): AcceptedBatch {
  return { accountId: ACCOUNT, judged: [], echoes: [], guilds: [], ...fields };
}

/** A message to answer, in a session of the channel. */
export function accepted(message: InboundMessage = guildMessage(), route: Route = ROUTE): Judged {
  return { message, verdict: { kind: "accept", why: "mentioned", rule: "rule" }, route };
}

/** A message that is not for the bot. */
export function ignored(message: InboundMessage = guildMessage(), keepAsContext = true): Judged {
  return { message, verdict: { kind: "ignore", why: "no-mention", rule: "rule", keepAsContext } };
}

/** A message that is frozen alone, without others of its turn. */
export function frozen(
  message: Partial<OutboundMessage> = {},
  fields: Omit<Partial<Frozen>, "message"> = {},
): Frozen {
  return { message: outboundMessage(message), files: [], ...fields };
}

/** The only message of the main agent's reply to `cause`. */
export function part(cause: string, fields: Partial<Omit<AnswerPart, "cause">> = {}): AnswerPart {
  return {
    cause: messageId(cause),
    revision: 0,
    agentId: "main",
    kind: "reply",
    part: 0,
    parts: 1,
    ...fields,
  };
}
