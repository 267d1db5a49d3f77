/**
 * What is known of a message beside what it says itself: facts that are fetched before policy
 * decides, so that the decision waits for nothing (P1).
 *
 * All of it survives `JSON.stringify`, for it goes on record with the verdict.
 *
 * @module
 */

export interface KnownFacts {
  /** Whether the sender is paired; absent where the store was not asked yet. */
  readonly isPaired?: boolean;
  /** What PluralKit said of a webhook's message; absent where it was not asked. */
  readonly pluralkit?: "found" | "none" | "failed";
  /** PluralKit has proxied this person before, and what it says counts in place of this. */
  readonly isProxied?: boolean;
  /** PluralKit said nothing in the place of this within its time: it is the person's own. */
  readonly isUnproxied?: boolean;
  /** Another account of this process wrote it (N3). */
  readonly isOurs?: boolean;
  /** Bots only have spoken here for so long that none is answered (P11). */
  readonly isMuted?: boolean;
  /** Discord names the sender as owner of the application, or as a member of its team (P10). */
  readonly ownsApplication?: boolean;
  /** The sender may manage messages in this place (K3). */
  readonly managesMessages?: boolean;
}
