/** Declares how programs ask an account: the calls, their states, and acts on Discord (O14). */

import type { MessageId, UserId } from "../discord/ids.ts";
import type { CallKind, EarlierText } from "./called.ts";

/** A program of the config, with the person whose rights it has. */
export interface CallingProgram {
  readonly program: string;
  readonly userId: UserId;
  /** The only agent that it may ask; absent: each that the person may ask. */
  readonly agentId?: string;
  /** Maximum number of calls and acts a minute; ten times as many may read an answer again. */
  readonly perMinute: number;
  /** Maximum number of calls that wait for their answers. */
  readonly atOnce: number;
}

export interface NewCall {
  readonly kind: CallKind;
  /** Untrusted, like any message. */
  readonly text: string;
  /** The agent by its id; absent: the program's, or that of the person's direct messages. */
  readonly agentId?: string;
  /** The conversation before it; absent: that of its session. */
  readonly earlier?: readonly EarlierText[];
  /** Name of the conversation, whose calls share a session; absent: a session of its own. */
  readonly conversation?: string;
  /** The call that it continues; absent: none. */
  readonly after?: MessageId;
  /** The program's Idempotency-Key; absent: each request is a call of its own. */
  readonly key?: string;
}

/** Why a call or an act is not begun. */
export type CallRefusalKind =
  /** The policy does not let the person in, or the person lacks a right. */
  | "forbidden"
  /** There is no such agent, call or channel for this program. */
  | "not_found"
  /** The request contradicts itself or an earlier one. */
  | "invalid"
  | "too_many"
  /** Paused, stopping, or Discord does not answer. */
  | "unavailable";

export interface CallRefusal {
  readonly kind: CallRefusalKind;
  readonly why: string;
}

/** Thrown if a call or an act is not begun. */
export class CallRefused extends Error {
  override readonly name = "CallRefused";
  readonly kind: CallRefusalKind;
  /** Seconds until the same request may succeed, where that is known. */
  readonly waitSec: number | undefined;

  constructor(kind: CallRefusalKind, why: string, waitSec?: number) {
    super(why);
    this.kind = kind;
    this.waitSec = waitSec;
  }
}

export interface BegunCall {
  /** Its id, which `barnacle why` takes. */
  readonly id: MessageId;
  readonly agentId: string;
  /** Whether this request has begun it; `false`: an earlier one with the same key has. */
  readonly isNew: boolean;
}

/** The state of a call. The text is empty if the agent chose to say nothing. */
export type CallState =
  | { readonly kind: "open" }
  | {
    readonly kind: "answered";
    readonly text: string;
    readonly usage: CallUsage;
    /** The line of the turn's effects (R15a); absent: it had none. */
    readonly receipts?: string;
    /** Unix time in milliseconds; absent if it is not known. */
    readonly finishedAt?: number;
  }
  | { readonly kind: "failed"; readonly why: string; readonly isBudget: boolean };

export interface CallUsage {
  readonly inputTokens: number;
  readonly outputTokens: number;
}

/** Names of the acts on Discord. */
export const ACTS = ["send", "read", "search", "approvals"] as const;

export type ActName = typeof ACTS[number];

/** The calls of one account. Each method that refuses throws or rejects with {@link CallRefused}. */
export interface CallService {
  /** The agents that a program may ask, the one that it asks by default first. */
  agents(caller: CallingProgram): readonly string[];
  /** Stores a call, once for each key. */
  begin(caller: CallingProgram, call: NewCall): Promise<BegunCall>;
  /** Counts a request for the answer of an earlier call. */
  countRead(caller: CallingProgram): void;
  stateOf(
    caller: CallingProgram,
    id: MessageId,
  ): Promise<CallState & Pick<BegunCall, "agentId">>;
  /**
   * Waits until a call has ended.
   *
   * @param onText Gets the answer's text, part by part; absent: only the whole answer counts.
   * @returns `open` if the signal aborts first, or if the bot stops.
   */
  wait(
    caller: CallingProgram,
    id: MessageId,
    signal: AbortSignal,
    onText?: (part: string) => void,
  ): Promise<CallState>;
  /** The program has gone: a call that no key can ask for again ends, unless it has ended. */
  leave(id: MessageId): Promise<void>;
  /**
   * Acts on Discord with the person's rights.
   *
   * @param given Arguments of the program, unchecked.
   * @returns The result in words.
   */
  act(caller: CallingProgram, name: ActName, given: unknown, signal: AbortSignal): Promise<string>;
}
