/**
 * A Discord channel in memory in which drafts grow, with an outbox and its channel queue.
 *
 * The drafts are the product's own, and so is the decision about them at the end of a turn. The
 * store and Discord outlive a crash.
 */

import assert from "node:assert/strict";
import type { BotAccount } from "../../../src/account/account.ts";
import { RestError, type RestErrorKind } from "../../../src/discord/rest/exchange/rest_error.ts";
import {
  type AnswerKey,
  type DraftRow,
  nonceOf,
  placeDrafts,
} from "../../../src/core/outbound/outbound.ts";
import type { MessageId } from "../../../src/core/discord/ids.ts";
import type { Frozen, PostOutcome } from "../../../src/core/outbound/outbound.ts";
import {
  type ComposeDraft,
  draftsOf,
  type DraftStream,
} from "../../../src/flows/deliver/progress.ts";
import type { OneTurn } from "../../../src/flows/turn/steps.ts";
import { chunk, type ChunkRules } from "../../../src/render/markdown/chunk.ts";
import { ACCOUNT, directMessage, messageId } from "../../support/discord/builders.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { type LogLine, recordingLog } from "../../support/recording_log.ts";
import type { AddedRow } from "../../../src/store/outbox/outbox.ts";

export const MESSAGE = directMessage();

const ANSWER: AnswerKey = { cause: MESSAGE.id, revision: 0, agentId: "main", kind: "reply" };
const CHUNKS: ChunkRules = { limit: 60, maxLines: 6, mode: "length", maxChunks: 8 };
const TAG = "[[reply_to_current]]";

/** Text of words only, so that no unfinished word delays it. */
export const SECRET = "open sesame now";

/** What Discord says of an edit. */
function answerOf(outcome: PostOutcome): object {
  const fail = (kind: RestErrorKind, more = {}) => {
    throw new RestError("failed", { kind, route: "PATCH /", ...more });
  };
  switch (outcome.kind) {
    case "created":
      return { id: outcome.messageId };
    case "unsent":
      return fail("unsent");
    case "unanswered":
      return fail("unavailable");
    case "already_gone":
      return fail("not_found", { code: 10008 });
    case "refused":
      return fail(outcome.why, { retryAfterMs: outcome.retryAfterMs });
  }
}

/** Freezes an answer: split, without its tag, and with a file if it is too long. */
export const compose: ComposeDraft = (text) => {
  const visible = text.replaceAll(TAG, "").trim();
  const chunks = chunk(visible, CHUNKS);
  const isTooLong = chunks.length > CHUNKS.maxChunks;
  const kept = isTooLong ? chunks.slice(0, 1) : chunks;
  return kept.map((content, part) => ({
    message: {
      accountId: ACCOUNT,
      channelId: MESSAGE.channelId,
      nonce: nonceOf(ANSWER, part),
      content,
      pings: { users: [], roles: [], quotedAuthor: false },
      of: { ...ANSWER, part, parts: kept.length },
      ...(part === 0 && text.includes(TAG) && { quote: MESSAGE.id }),
    },
    files: isTooLong ? [{ name: "answer.md", bytes: new TextEncoder().encode(visible) }] : [],
  }));
};

/** Notice of a failed turn. */
export const FAILURE: readonly Frozen[] = [{
  message: {
    accountId: ACCOUNT,
    channelId: MESSAGE.channelId,
    nonce: nonceOf({ ...ANSWER, kind: "failure" }, 0),
    content: "It failed.",
    pings: { users: [], roles: [], quotedAuthor: false },
    of: { ...ANSWER, kind: "failure", part: 0, parts: 1 },
  },
  files: [],
}];

interface Row {
  readonly frozen: Frozen;
  state: "pending" | "sending" | "sent" | "dead" | "withdrawn";
  messageId?: MessageId;
}

/** A message as people see it. */
export interface Seen {
  readonly content: string;
  readonly quote?: MessageId;
  readonly files: readonly string[];
}

interface PostedDraft extends Seen {
  readonly id: MessageId;
  readonly nonce: string;
}

/** Possible results of an edit. */
export type EditFault =
  | "none"
  | "no room"
  | "lost on the way"
  | "done, and not answered"
  | "limited"
  | "forbidden";

export class Crash extends Error {}

export class DraftWorld {
  readonly clock = new FakeClock();
  readonly log: LogLine[];
  /** Requests to Discord: `"post hello …"`. */
  readonly asked: string[] = [];
  /** Times of edits, in milliseconds since the start. */
  readonly editedAt: number[] = [];
  /** Steps until the process dies. */
  crashIn = Infinity;
  steps = 0;
  nextEdit: EditFault = "none";
  /** Delays edits until it resolves. */
  holdEdit: Promise<void> | undefined;
  refusesDrafts = false;
  #account: BotAccount;
  readonly #rows: Row[] = [];
  readonly #posted: PostedDraft[] = [];
  #created = 0;
  #isDead = false;
  #processNumber = 0;
  readonly #recording = recordingLog();
  readonly #start = this.clock.now();

  constructor() {
    this.log = this.#recording.lines;
    this.#account = this.#createAccount();
  }

  /** Starts a new process with the stored state. */
  restart(): void {
    this.crashIn = Infinity;
    this.#isDead = false;
    this.#account = this.#createAccount();
  }

  /** Whether the turn's end is stored. */
  isStored = false;

  get isDead(): boolean {
    return this.#isDead;
  }

  /** The channel, as people see it. */
  seen(): readonly Seen[] {
    return this.#posted.map(({ id: _id, nonce: _nonce, ...seen }) => seen);
  }

  /** Deletes a message, as a person does. */
  deleteAt(index: number): void {
    this.#posted.splice(index, 1);
  }

  /** Delivers one row of the queue, if there is one. */
  deliverOne(): boolean {
    const row = this.#rows.find(({ state }) => state === "pending" || state === "sending");
    if (!row) return false;
    this.#step();
    row.state = "sending"; // T4
    this.#step();
    this.#ask(row);
    this.#step();
    if (row.state === "sending") row.state = "sent"; // T5
    if (row.messageId) draftsOf(this.#account).posted(row.frozen.message.nonce, row.messageId);
    return true;
  }

  /** T3. */
  finishTurn(said: readonly Frozen[]): void {
    this.#step();
    const { outbox, withdraw } = placeDrafts(this.#draftRows(), said);
    for (const row of this.#rows) {
      if (withdraw.includes(row.frozen.message.nonce)) row.state = "withdrawn";
    }
    for (const frozen of outbox) this.#add(frozen);
    this.isStored = true;
    this.#step();
  }

  /** Starts the drafts of a turn. */
  begin(by: ComposeDraft = compose): DraftStream {
    const account = this.#account;
    const config = { discord: { textChunkLimit: CHUNKS.limit } };
    const turn = { account, config, turn: { claim: { message: MESSAGE } } };
    return draftsOf(account).begin(turn as unknown as OneTurn, by);
  }

  #createAccount(): BotAccount {
    const processNumber = this.#processNumber += 1;
    const account = {
      store: {
        outbox: {
          add: (frozen: Frozen) => this.#unlessDead(processNumber, () => this.#add(frozen)),
        },
      },
      rest: {
        request: (_method: string, path: string, { body }: { readonly body: string }) =>
          this.#unlessDead(processNumber, async () => {
            this.editedAt.push(this.clock.now() - this.#start);
            await this.holdEdit;
            const id = messageId(path.split("/").at(-1) ?? "");
            return answerOf(this.#edit(id, JSON.parse(body).content));
          }),
      },
      bot: { logging: { secrets: () => [SECRET] } },
      live: new Map(),
      forPart: () => account,
      ...{ schedule: this.clock.schedule, now: this.clock.now, log: this.#recording.log },
    } as unknown as BotAccount;
    return account;
  }

  /** A request by a dead process has no effect and gets no answer. */
  async #unlessDead<T>(processNumber: number, run: () => T | Promise<T>): Promise<T> {
    try {
      if (this.#isDead || processNumber !== this.#processNumber) {
        return await new Promise<never>(() => {});
      }
      this.#step();
      const result = await run();
      this.#step();
      return result;
    } catch (error) {
      if (error instanceof Crash) return await new Promise<never>(() => {});
      throw error;
    }
  }

  #step(): void {
    this.steps += 1;
    if (--this.crashIn > 0) return;
    this.#isDead = true;
    throw new Crash();
  }

  #add(frozen: Frozen): AddedRow {
    const found = this.#rows.find((row) => row.frozen.message.nonce === frozen.message.nonce);
    if (!found) this.#rows.push({ frozen, state: "pending" });
    const { state, messageId, frozen: { message } } = found ?? this.#rows.at(-1)!;
    return {
      id: 1,
      fileCount: 0,
      action: { kind: "post" },
      state,
      message,
      ...(messageId && { messageId }),
    };
  }

  #draftRows(): readonly DraftRow[] {
    return this.#rows.flatMap(({ frozen: { message, draft }, state, messageId }) => {
      const { of } = message;
      if (of?.kind !== "draft" || draft || state === "dead" || state === "withdrawn") return [];
      return [{
        message: { ...message, of },
        state: state === "sent" ? "there" : state === "sending" ? "open" : "untried",
        ...(messageId && { messageId }),
      }];
    });
  }

  #ask(row: Row): void {
    const { message, draft, files } = row.frozen;
    const place = draft && this.#rows.find((one) => one.frozen.message.nonce === draft.nonce);
    const isThere = place?.state === "sent";
    if (draft?.becomes === "nothing") {
      this.asked.push("delete");
      const at = this.#posted.findIndex(({ id }) => id === place?.messageId);
      if (at !== -1) this.#posted.splice(at, 1);
    } else if (draft && isThere && place.messageId) {
      this.#edit(place.messageId, message.content, files.map(({ name }) => name));
    } else if (this.refusesDrafts && message.of?.kind === "draft") {
      row.state = "dead";
    } else {
      this.asked.push(`post ${message.content}`);
      const found = this.#posted.find(({ nonce }) => nonce === message.nonce);
      row.messageId = found?.id ?? this.#create(row.frozen);
    }
  }

  #create({ message: { content, quote, nonce }, files }: Frozen): MessageId {
    const id = messageId(`15${String(this.#created += 1).padStart(16, "0")}`);
    assert.ok(content.length <= CHUNKS.limit, content);
    this.#posted.push({
      id,
      nonce,
      content,
      ...(quote && { quote }),
      files: files.map(({ name }) => name),
    });
    return id;
  }

  #edit(id: MessageId, content: string, files?: readonly string[]): PostOutcome {
    this.asked.push(`edit ${content}`);
    assert.ok(content.length <= CHUNKS.limit, content);
    const fault = files ? "none" : this.nextEdit;
    if (fault === "no room") return { kind: "unsent", reason: "no room" };
    if (fault === "lost on the way") return { kind: "unanswered", reason: "timeout" };
    if (fault === "limited") {
      return { kind: "refused", why: "rate_limited", reason: "429", retryAfterMs: 5_000 };
    }
    if (fault === "forbidden") return { kind: "refused", why: "forbidden", reason: "no" };
    const at = this.#posted.findIndex((message) => message.id === id);
    const standing = this.#posted[at];
    if (!standing) return { kind: "already_gone" };
    this.#posted[at] = { ...standing, content, files: files ?? standing.files };
    return fault === "none"
      ? { kind: "created", messageId: id }
      : { kind: "unanswered", reason: "timeout" };
  }
}

/** The channel without drafts. */
export function withoutDrafts(said: readonly Frozen[]): readonly Seen[] {
  return said.map(({ message: { content, quote }, files }) => ({
    content,
    ...(quote && { quote }),
    files: files.map(({ name }) => name),
  }));
}
