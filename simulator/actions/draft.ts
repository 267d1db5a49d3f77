/** Describes messages that the world will create or change. */

import type { TopComponent } from "../world/components.ts";
import type { AllowedMentions } from "./mentions.ts";
import type { Attachment, Opaque, Poll, Reference } from "../world/world.ts";

/** A message before it has an id. */
export interface MessageDraft {
  readonly content: string;
  readonly embeds: readonly Opaque[];
  readonly components: readonly TopComponent[];
  readonly attachments: readonly Omit<Attachment, "id">[];
  /** Whether it carries a sticker or a poll. */
  readonly hasMore: boolean;
  readonly poll?: Poll;
  readonly stickerIds?: readonly string[];
  /** Further fields of the message. */
  readonly more?: Opaque;
  readonly nonce?: string | number;
  readonly enforceNonce: boolean;
  readonly reference?: {
    readonly kind: Reference["kind"];
    readonly messageId: string;
    readonly channelId?: string;
    readonly failIfNotExists: boolean;
  };
  readonly allowedMentions?: AllowedMentions;
  readonly flags: number;
  readonly isTts: boolean;
}

/** The changed fields of an edit; absent fields stay. */
export interface MessageEdit {
  readonly content?: string;
  readonly embeds?: readonly Opaque[];
  readonly components?: readonly TopComponent[];
  /** The attachments after the edit: ids of kept ones, and new files. */
  readonly attachments?: {
    /** `"all"` if the edit lists none. */
    readonly keep: readonly string[] | "all";
    readonly add: readonly Omit<Attachment, "id">[];
  };
  readonly allowedMentions?: AllowedMentions;
  readonly flags?: number;
}

export const EMPTY_DRAFT: MessageDraft = {
  content: "",
  embeds: [],
  components: [],
  attachments: [],
  hasMore: false,
  enforceNonce: false,
  flags: 0,
  isTts: false,
};

/** Whether the message would be empty; Discord refuses that (50006). */
export function isEmpty(
  { content, embeds, components, attachments, hasMore, reference }:
    & Pick<MessageDraft, "content" | "embeds" | "components" | "hasMore">
    & { readonly attachments: readonly unknown[]; readonly reference?: { readonly kind: string } },
): boolean {
  return content.trim() === "" && embeds.length === 0 && components.length === 0 &&
    attachments.length === 0 && !hasMore && reference?.kind !== "forward";
}
