/** Types of the messages between the main thread and the thread of calls. */

import type { UserId } from "../../../core/discord/ids.ts";
import type { HearAs, HeardPiece, Pcm } from "../line/call.ts";
import type { ListenRules } from "../listen/pieces.ts";
import type { LinkEnd, LinkTarget } from "./gateway.ts";
import type { PlayedSamples } from "./player.ts";

export type ToCall =
  /** Connects, or replaces the connection and keeps its speech. */
  | { readonly kind: "connect"; readonly target: LinkTarget; readonly rules: ListenRules }
  | { readonly kind: "hear"; readonly people: ReadonlyMap<UserId, HearAs> }
  | { readonly kind: "write"; readonly speech: number; readonly pcm: Pcm }
  | { readonly kind: "speak"; readonly speech: number; readonly played: PlayedSamples }
  | { readonly kind: "end" | "stop"; readonly speech: number }
  | { readonly kind: "hold"; readonly isHeld: boolean }
  | { readonly kind: "close" };

export type FromCall =
  /** The thread's first message, of no call. */
  | { readonly kind: "listens" }
  | { readonly kind: "ready"; readonly isEndToEnd: boolean }
  | { readonly kind: "began"; readonly userId: UserId }
  | { readonly kind: "piece"; readonly piece: HeardPiece }
  | { readonly kind: "frame"; readonly userId: UserId; readonly pcm: Pcm }
  | { readonly kind: "played"; readonly id: number; readonly isWhole: boolean }
  /** `token` is that of its connection: the next one may be on its way to the thread. */
  | { readonly kind: "over"; readonly end: LinkEnd; readonly token: string };

/** A message of, or to, one of the thread's calls. */
export type OfCall<Message> = Message & { readonly call: number };
