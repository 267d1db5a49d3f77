/**
 * Reads the bot's verdicts from its store, and tracks the outcome of each message by verdicts and
 * replies.
 *
 * The nonce of a reply is computed from the message that it answers. So replies and verdicts match by
 * nonce, in any order of arrival.
 */

import { existsSync } from "node:fs";
import { join } from "node:path";
import { createdAtMs, type MessageId } from "../../../core/discord/ids.ts";
import { nonceOf } from "../../../core/outbound/nonce.ts";
import type { Judged, Outcome } from "../../../../simulator/page/bot_panel.ts";
import type { Message } from "../../../../simulator/world/world.ts";
import { reasonText } from "../../../render/reasons.ts";
import type { RecordedVerdict } from "../../../store/messages/message_record.ts";
import { DATABASE_NAME } from "../../../host/files/data_dir.ts";
import { openStoreReader, type Store } from "../../../store/store.ts";

/** Maximum number of messages of one reply, for matching. */
const PARTS = 64;

const KINDS = ["reply", "failure"] as const;

interface ReplyPart {
  readonly cause: MessageId;
  readonly kind: (typeof KINDS)[number];
}

export function createOutcomes() {
  const judged = new Map<MessageId, Judged>();
  const parts = new Map<string, ReplyPart>();
  /** Messages of the bot without a known verdict. */
  const unmatched = new Map<string, Message>();

  function settle(
    nonce: string,
    { cause, kind }: ReplyPart,
    message: Message,
  ): Judged | undefined {
    const before = judged.get(cause);
    if (!before) return undefined;
    parts.delete(nonce);
    unmatched.delete(nonce);
    const replies = [...before.outcome?.replies ?? [], message.id];
    const outcome: Outcome = {
      kind: kind === "reply" ? "answered" : "failed",
      replies,
      afterMs: before.outcome?.afterMs ?? createdAtMs(message.id) - createdAtMs(cause),
    };
    const after = { ...before, outcome };
    judged.set(cause, after);
    return after;
  }

  return {
    /** Adds a verdict; returns the message's outcome. */
    decided({ messageId, verdict, why, rule }: RecordedVerdict): Judged {
      const isAccepted = verdict === "accept";
      const fresh: Judged = {
        messageId,
        verdict,
        why,
        words: reasonText(why),
        rule,
        outcome: isAccepted ? { kind: "thinking", replies: [] } : undefined,
      };
      judged.set(messageId, fresh);
      if (!isAccepted) return fresh;
      for (const kind of KINDS) {
        for (let index = 0; index < PARTS; index++) {
          const nonce = nonceOf({ cause: messageId, revision: 0, agentId: "main", kind }, index);
          const part: ReplyPart = { cause: messageId, kind };
          parts.set(nonce, part);
          const early = unmatched.get(nonce);
          if (early) settle(nonce, part, early);
        }
      }
      return judged.get(messageId) ?? fresh;
    },
    /** Adds a message of the bot; returns the outcome of the message that it answers, if known. */
    posted(message: Message): Judged | undefined {
      if (typeof message.nonce !== "string") return undefined;
      const part = parts.get(message.nonce);
      if (part) return settle(message.nonce, part, message);
      unmatched.set(message.nonce, message);
      return undefined;
    },
    /** All outcomes, in the order of the verdicts. */
    all: (): readonly Judged[] => [...judged.values()],
  };
}

/** Maximum number of verdicts per read. */
const PAGE = 500;

/**
 * Creates a reader from the first verdict on.
 *
 * It opens the bot's database read-only and polls it. Without a database the bot has decided nothing
 * yet.
 */
export function createVerdictReader(dataDir: string) {
  const path = join(dataDir, DATABASE_NAME);
  let opened: Store | undefined;
  let last = 0;
  return {
    /** New verdicts since the last call, the oldest first; at most {@link PAGE}. */
    async next(): Promise<readonly RecordedVerdict[]> {
      opened ??= open(path);
      if (!opened) return [];
      const decisions = await opened.messages.verdictsAfter(last, PAGE);
      last = decisions.at(-1)?.id ?? last;
      return decisions;
    },
    close(): void {
      opened?.close();
      opened = undefined;
    },
  };
}

export type VerdictReader = ReturnType<typeof createVerdictReader>;

/** @returns `undefined` while the tables do not exist. */
function open(path: string): Store | undefined {
  if (!existsSync(path)) return undefined;
  try {
    return openStoreReader(path, { elapsed: () => performance.now() });
  } catch {
    return undefined; // the bot is creating it now; the next call opens it
  }
}
